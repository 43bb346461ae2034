import type { DomainRef } from "../ctx.ts";
import type { Job } from "../plugin-contract.ts";
import { removeOrphans } from "./orphans.ts";

const silent = { add: () => undefined, setTotal: () => undefined };

/** Removes every unit and every artifact of a domain that nothing uses, however young. */
export async function removeAllUnused(
  job: Pick<Job, "ctx" | "signal">,
  domain: DomainRef,
): Promise<void> {
  await removeOrphans(job, {
    domain,
    plan: { protectionSeconds: 0, cutoff: "infinity" },
    reports: { content: silent, artifacts: silent },
    totals: { content: 0, artifacts: 0, skipped: 0 },
  });
}
