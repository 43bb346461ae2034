import type { EntityModel } from "#sdk";

const model = (type: string, name: string) =>
  ({
    family: "content_guard",
    type: `certguard.${type}`,
    model: `certguard.${name}`,
    path: `contentguards/certguard/${type}`,
  }) as const satisfies EntityModel;

export const X509_GUARD = model("x509", "X509CertGuard");
export const RHSM_GUARD = model("rhsm", "RHSMCertGuard");
