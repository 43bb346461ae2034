import { text } from "../kit/fields.ts";
import { textFilters } from "../kit/filters/lookups.ts";
import { defineResource } from "../kit/resource.ts";

/** Nobody sends them, although the description of old does not say so. */
const shown = (sql: string) => text({ required: true, sql });

/** Who signs (core-rest §8.20): services are added and removed where the server runs. */
export const signingServices = defineResource({
  path: "signing-services",
  label: "core",
  model: "SigningService",
  title: "signing service",
  key: "uuid",
  source: { from: "signing_service e", domain: null },
  fields: {
    name: shown("e.name"),
    public_key: shown("e.public_key"),
    pubkey_fingerprint: shown("e.fingerprint"),
    script: shown("e.script"),
  },
  filters: textFilters("name", "e.name", ["exact"]),
  orderings: {
    pulp_id: "e.id",
    pulp_created: "e.created",
    pulp_last_updated: "e.updated",
    name: "e.name",
    public_key: "e.public_key",
    pubkey_fingerprint: "e.fingerprint",
    script: "e.script",
  },
  operations: { list: true, read: true },
});
