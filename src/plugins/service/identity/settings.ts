import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** Who asks (service §2). */
export const identitySettings = defineSettings({
  ORG_ID_FALLBACK: {
    schema: Type.Boolean(),
    default: false,
    doc: "An identity without `.identity.internal.org_id` is of the organisation of `.identity.org_id`.",
  },
});
