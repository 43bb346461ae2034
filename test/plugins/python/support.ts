import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Settings } from "#platform/config/settings.ts";
import { python } from "#plugins/python/plugin.ts";
import { createTestApi, type TestAnswer, type TestApi } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";

export const REPOSITORIES = "repositories/python/python/";
export const REMOTES = "remotes/python/python/";
export const DISTRIBUTIONS = "distributions/python/pypi/";
export const PUBLICATIONS = "publications/python/pypi/";

export const createPythonApi = (
  t: TestContext,
  settings: Partial<Settings> = {},
): Promise<TestApi> => createTestApi(t, { shipped: [python], settings });

/** The object that a request makes, by itself or in a task. */
export async function made(api: TestApi, path: string, json: object): Promise<TestAnswer["body"]> {
  const answer = await api.post(path, json);
  if (answer.status === 201) return answer.body;
  const task = await endedTask(api, answer);
  assert.equal(task.state, "completed", JSON.stringify(task.error));
  return (await api.get(task.created_resources[0] ?? "")).body;
}
