import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** Domains of one's own (service §6). */
export const domainsSettings = defineSettings({
  CREATE_DOMAIN_ALLOW_FOREIGN_GROUP: {
    schema: Type.Boolean(),
    default: false,
    doc: "`create-domain` gives a domain to a group that its maker is no member of.",
  },
});
