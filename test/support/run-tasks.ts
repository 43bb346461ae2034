import { runHere } from "#core/tasks/immediate.ts";
import { claimTask } from "#core/tasks/queue.ts";
import type { TestApi } from "./rest-api.ts";

/** Runs every task that waits, in this process, until none is ready. */
export async function runTasks({ ctx }: Pick<TestApi, "ctx">): Promise<void> {
  await ctx.db
    .insertInto("app_process")
    .values({
      ...{ id: ctx.process.id, kind: "worker", name: ctx.process.name, ttl_seconds: 600 },
      versions: JSON.stringify(ctx.process.versions),
    })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .execute();
  for (;;) {
    const task = await claimTask(ctx, ctx.process.id);
    if (!task) return;
    await runHere(ctx, task);
  }
}

export interface EndedTask {
  readonly state: string;
  readonly error: { readonly description?: string; readonly reason?: string } | null;
  readonly created_resources: readonly string[];
  readonly progress_reports: readonly {
    readonly message: string;
    readonly code: string;
    readonly state: string;
    readonly total: number | null;
    readonly done: number;
    readonly suffix: string | null;
  }[];
  readonly reserved_resources_record: readonly string[];
  readonly name: string;
}

/** The task of a 202, after it ended. */
export async function endedTask(
  api: TestApi,
  answer: { readonly status: number; readonly text: string; readonly body: { task: string } },
): Promise<EndedTask> {
  if (answer.status !== 202) throw new Error(`${answer.status}: ${answer.text}`);
  await runTasks(api);
  return (await api.get(answer.body.task)).body;
}
