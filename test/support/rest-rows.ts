import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { TaskState } from "#core/tasks/table.ts";
import type { TestContextValue } from "./context.ts";

export interface TaskRow {
  readonly state?: TaskState;
  readonly name?: string;
  readonly cid?: string;
  readonly resources?: readonly string[];
  readonly parent?: string;
  readonly task_group?: string;
  readonly user_id?: number;
  readonly domain?: number;
  readonly finished_at?: string;
}

/** A row of the history of tasks that no queue knows; returns its id. */
export async function addTask(
  { ctx, domain }: Pick<TestContextValue, "ctx" | "domain">,
  row: TaskRow = {},
): Promise<string> {
  const id = uuid7();
  const { resources = [], ...rest } = row;
  await ctx.db
    .insertInto("task")
    .values({
      id,
      seq: sql<number>`nextval('task_seq')`,
      domain: domain.num,
      name: "test.task",
      state: "completed",
      ...rest,
      resources: [...resources],
    })
    .execute();
  return id;
}

/** A second domain, whose objects must never show. */
export async function addDomain({ ctx }: Pick<TestContextValue, "ctx">): Promise<number> {
  const { num } = await ctx.db
    .insertInto("domain")
    .values({
      id: uuid7(),
      name: "elsewhere",
      storage_class: "pulpcore.app.models.storage.FileSystem",
    })
    .returning("num")
    .executeTakeFirstOrThrow();
  return num;
}
