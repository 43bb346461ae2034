import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** Accounts of programs (service §9.1). */
export const accountsSettings = defineSettings({
  RH_SERVICE_ACCOUNT_REQUIRED: {
    schema: Type.Boolean(),
    default: false,
    doc: "Certificates without a service account are refused; else their subjects become users.",
  },
});
