import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** Rules before content guards (service §9.2). */
export const rulesSettings = defineSettings({
  CERT_GUARD_CACHE_TTL: {
    schema: Type.Integer({ minimum: 0 }),
    default: 60,
    unit: "seconds",
    doc: "How long the rules before a content guard are remembered; a change ends that in every process.",
  },
  CERT_GUARD_MAX_RULES: {
    schema: Type.Integer({ minimum: 1, maximum: 100_000 }),
    default: 1000,
    doc: "Rules that one content guard may have.",
  },
});
