import { uuid7 } from "#base/uuid7.ts";
import type { Ctx } from "#core/ctx.ts";
import type { CreatedResource, Job, ProgressSpec } from "#core/plugin-contract.ts";
import type { TestContextValue } from "./context.ts";

export interface TestReport extends ProgressSpec {
  done: number;
  total?: number;
  state: "running" | "completed" | "failed";
}

/** A job without a task row: what it reports stays in memory. */
export interface TestJob extends Job {
  readonly reports: TestReport[];
  readonly resources: CreatedResource[];
  report(code: string): TestReport | undefined;
  abort(reason?: Error): void;
}

export function createJob(
  { ctx, caller, mediaRoot }: Pick<TestContextValue, "ctx" | "caller" | "mediaRoot">,
  changes: Partial<Ctx> = {},
): TestJob {
  const reports: TestReport[] = [];
  const resources: CreatedResource[] = [];
  const controller = new AbortController();
  return {
    ctx: { ...ctx, ...changes },
    taskId: uuid7(),
    caller,
    signal: controller.signal,
    reports,
    resources,
    workingDirectory: mediaRoot,
    report: (code) => reports.find((report) => report.code === code),
    abort: (reason) => controller.abort(reason),
    progress(spec) {
      const report: TestReport = { ...spec, done: 0, state: "running" };
      reports.push(report);
      return {
        add: (done = 1) => {
          report.done += done;
        },
        setTotal: (total) => {
          report.total = total;
        },
        finish: async () => {
          report.state = "completed";
        },
        [Symbol.asyncDispose]: async () => {
          if (report.state === "running") report.state = "failed";
        },
      };
    },
    created: async (resource) => {
      resources.push(resource);
    },
  };
}
