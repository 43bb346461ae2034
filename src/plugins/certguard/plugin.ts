import { definePlugin } from "#sdk";
import { rhsmGuard, x509Guard } from "./guards.ts";
import { RHSM_GUARD, X509_GUARD } from "./models.ts";
import { rhsmGuardResource, x509GuardResource } from "./rest.ts";

export const certguard = definePlugin({
  label: "certguard",
  version: "3.95.0",
  package: "pulp-certguard",
  module: "pulp_certguard.app",
  migrations: new URL("./migrations/", import.meta.url),
  entities: [RHSM_GUARD, X509_GUARD],
  contentTypes: [],
  repositoryTypes: [],
  resources: [rhsmGuardResource, x509GuardResource],
  // The baseline ships no policy for them (core-rest §7.3).
  access: {
    policies: [],
    models: [
      { model: "certguard.rhsmcertguard", isPlain: true },
      { model: "certguard.x509certguard", isPlain: true },
    ],
    adminOnly: ["contentguards/certguard/rhsm", "contentguards/certguard/x509"],
  },
  tasks: [],
  delivery: [],
  guards: [rhsmGuard, x509Guard],
});
