import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** Reports of vulnerabilities (service §8.2). */
export const vulnerabilitiesSettings = defineSettings({
  LOCK_FILE_MAX_SIZE: {
    schema: Type.Integer({ minimum: 1 }),
    default: 16_777_216,
    unit: "bytes",
    doc: "The largest `package-lock.json` that a report of vulnerabilities is made of.",
  },
});
