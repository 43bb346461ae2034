import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { sql } from "kysely";
import type { Ctx } from "#core/ctx.ts";
import type { Settings } from "#platform/config/settings.ts";
import { container } from "#plugins/container/plugin.ts";
import { createTestApi, type TestAnswer, type TestApi } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";

export const createContainerApi = (
  t: TestContext,
  settings: Partial<Settings> = {},
): Promise<TestApi> => createTestApi(t, { shipped: [container], settings });

/** What the latest version of a repository has: digests, `name → digest` of tags, names of signatures. */
export async function latestMembers(ctx: Ctx, repository: string): Promise<string[]> {
  const { rows } = await sql<{ text: string }>`
    select coalesce(b.digest, m.digest, t.name || ' → ' || tm.digest, s.name) as text
    from repository r join membership x on x.repository = r.num and x.removed = 2147483647
    left join container_blob b on b.id = x.content
    left join container_manifest m on m.id = x.content
    left join container_tag t on t.id = x.content
    left join container_manifest tm on tm.id = t.manifest
    left join container_signature s on s.id = x.content
    where r.id = ${repository}`.execute(ctx.db);
  return rows.map(({ text }) => text).sort();
}

export async function versionNumbers(ctx: Ctx, repository: string): Promise<number[]> {
  const { rows } = await sql<{ number: number }>`
    select v.number from repository_version v join repository r on r.num = v.repository
    where r.id = ${repository} and v.complete order by v.number`.execute(ctx.db);
  return rows.map(({ number }) => number);
}

export const REPOSITORIES = "repositories/container/container/";
export const REMOTES = "remotes/container/container/";
export const PULL_THROUGH_REMOTES = "remotes/container/pull-through/";
export const DISTRIBUTIONS = "distributions/container/container/";
export const PULL_THROUGH_DISTRIBUTIONS = "distributions/container/pull-through/";
export const NAMESPACES = "pulp_container/namespaces/";

/** The object that a request makes, by itself or in a task. */
export async function made(api: TestApi, path: string, json: object): Promise<TestAnswer["body"]> {
  const answer = await api.post(path, json);
  if (answer.status === 201) return answer.body;
  const task = await endedTask(api, answer);
  assert.equal(task.state, "completed", JSON.stringify(task.error));
  return (await api.get(task.created_resources[0] ?? "")).body;
}

export const idOf = (href: string): string => href.split("/").at(-2) ?? "";
