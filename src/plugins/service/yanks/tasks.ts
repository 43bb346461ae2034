import { Type } from "@sinclair/typebox";
import { mapBounded } from "#base/parallel.ts";
import { prn } from "#base/prn.ts";
import { type Caller, type Ctx, defineTask, dispatch } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { checkYanks } from "./check.ts";
import { yankErrors } from "./errors.ts";
import { nextMonitors, PYTHON, type Watched, watchedBy } from "./monitors-table.ts";
import { saveReport } from "./reports-table.ts";

const MODULE = "pulp_service.app.tasks.pypi_yank_check";
const PAGE = 500;
const AT_ONCE = 32;

/** Looks once for what was yanked of what a monitor watches (service §8.3). */
export const checkMonitor = defineTask({
  name: `${MODULE}.check_packages_for_monitor`,
  label: "service",
  input: Type.Object({ monitor_pk: Type.String() }),
  async run(job, { monitor_pk: id }) {
    const { ctx } = job;
    const watched = await watchedBy(ctx, id);
    if (!watched) throw yankErrors.gone(id);
    const report = await checkYanks(job, watched);
    const kept = serviceSettingsOf(ctx).YANK_REPORTS_KEPT;
    if (!(await saveReport(ctx, id, { report, kept }))) throw yankErrors.gone(id);
    return { yanked: Object.keys(report.report).length, errors: Object.keys(report.errors).length };
  },
});

/**
 * A check of its own for each monitor, in the domain of what it watches: there its tenants see the
 * task, and the domain stays while it runs.
 */
export const checkMonitors = defineTask({
  name: `${MODULE}.dispatch_pypi_yank_checks`,
  label: "service",
  input: Type.Object({}),
  async run({ ctx, caller, signal }) {
    let after = "00000000-0000-0000-0000-000000000000";
    let dispatched = 0;
    for (;;) {
      signal.throwIfAborted();
      const monitors = await nextMonitors(ctx, { after, most: PAGE });
      await mapBounded(monitors, AT_ONCE, (watched) => dispatchCheck(ctx, caller, watched));
      dispatched += monitors.length;
      after = monitors.at(-1)?.id ?? after;
      if (monitors.length < PAGE) return { dispatched };
    }
  },
});

/** Every day (service §19). */
export const yankSchedules = [
  {
    name: "Monitor PyPI packages for yanking",
    taskName: checkMonitors.name,
    input: {},
    minutes: 1440,
  },
] as const;

/** @returns the id of the task. */
export async function dispatchCheck(
  ctx: Ctx,
  caller: Caller,
  { id, domain, repository }: Watched,
): Promise<string> {
  const dispatched = await dispatch(ctx, {
    task: checkMonitor,
    input: { monitor_pk: id },
    caller: { ...caller, domain },
    shared: [prn(PYTHON.model, repository.id)],
  });
  return dispatched.id;
}
