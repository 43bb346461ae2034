import { Type } from "@sinclair/typebox";
import { defineTask } from "../plugin-contract.ts";
import { removeExpiredEntries } from "./commands.ts";

/** Removes entries of the audit trail that are older than `AUDIT_RETENTION_DAYS`; 0 keeps them all. */
export const cleanUpAuditTrail = defineTask({
  name: "deckle.core.audit.clean_up",
  label: "core",
  input: Type.Object({}),
  async run(job) {
    const { ctx, signal } = job;
    const days = ctx.settings.AUDIT_RETENTION_DAYS;
    if (days === 0) return null;
    await using report = job.progress({
      code: "clean-up.audit",
      message: "Clean up the audit trail",
    });
    report.add(await removeExpiredEntries(ctx, { days, signal }));
    await report.finish();
    return null;
  },
});
