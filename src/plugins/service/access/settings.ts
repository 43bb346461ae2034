import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

const accessPolicy = Type.Object(
  {
    readonly_group: Type.Optional(Type.String({ minLength: 1 })),
    subscription_feature: Type.Optional(Type.String({ minLength: 1 })),
    subscription_endpoints: Type.Optional(Type.Array(Type.String({ pattern: "^/" }))),
  },
  { additionalProperties: false },
);

/** Who may what beside the tenants (service §5). */
export const accessSettings = defineSettings({
  DOMAIN_ACCESS_POLICIES: {
    schema: Type.Record(Type.String(), accessPolicy),
    default: {
      lightwell: {
        readonly_group: "Lightwell-ReadOnly",
        subscription_feature: "lightwell-network",
        subscription_endpoints: ["/api/v3/content/"],
      },
    },
    doc: "By the name of a domain, who besides its tenants may read there: members of `readonly_group` everything, organisations that have `subscription_feature` what lies below `subscription_endpoints`.",
  },
  PUBLIC_DOMAIN_FULL_READ: {
    schema: Type.Boolean(),
    default: false,
    doc: "Everything in domains whose name begins with `public-` is open to strangers, its tasks, users and remotes among it; else repositories, versions, content, publications, distributions and indexes.",
  },
  ADMIN_READONLY_GROUP: {
    schema: Type.String(),
    default: "admin-readonly",
    doc: "Members of this group read what is for administrators; empty is nobody.",
  },
});
