import { Type } from "@sinclair/typebox";
import { defineTask, type PluginSchedule } from "../plugin-contract.ts";
import { type Inspected, inspectFile, storedFiles } from "./inspect.ts";
import { purgeExpired } from "./quarantine.ts";
import type { ScanStatus } from "./table.ts";

const MODULE = "pulp_service.app.tasks.malware_scan";
const DAY_MINUTES = 1440;

/** Scans stored files because somebody asks for it (service §15). */
export const scanByHand = defineTask({
  name: `${MODULE}.scan`,
  label: "service",
  input: Type.Union([
    Type.Object({ artifact: Type.String() }),
    Type.Object({ content: Type.String() }),
    Type.Object({ version: Type.String() }),
  ]),
  async run(job, inspected: Inspected) {
    const { ctx, caller, signal } = job;
    const counts: Record<ScanStatus, number> = { clean: 0, infected: 0, error: 0, skipped: 0 };
    await using report = job.progress({ code: "malware_scan.files", message: "Scan files" });
    for await (const batch of storedFiles(ctx.db, caller.domain, inspected)) {
      for (const one of batch) {
        signal.throwIfAborted();
        counts[await inspectFile(ctx, caller.domain, { one, signal })] += 1;
        report.add();
      }
    }
    await report.finish();
    return counts;
  },
});

/** Removes what was put away longer ago than `CLAMAV_QUARANTINE_DAYS`; 0 keeps it. */
export const purgeQuarantine = defineTask({
  name: `${MODULE}.purge_quarantine`,
  label: "service",
  input: Type.Object({}),
  async run(job) {
    const { ctx, signal } = job;
    const days = ctx.settings.CLAMAV_QUARANTINE_DAYS;
    if (days === 0) return null;
    await using report = job.progress({
      code: "clean-up.quarantine",
      message: "Clean up the quarantine",
    });
    report.add(await purgeExpired(ctx, { days, signal }));
    await report.finish();
    return null;
  },
});

export const quarantineSchedule: PluginSchedule = {
  name: "Clean up the quarantine of malware scans periodically",
  taskName: purgeQuarantine.name,
  input: {},
  minutes: DAY_MINUTES,
};
