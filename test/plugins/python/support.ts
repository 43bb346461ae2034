import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Settings } from "#platform/config/settings.ts";
import { python } from "#plugins/python/plugin.ts";
import { createTestApi, formOf, type TestAnswer, type TestApi } from "../../support/rest-api.ts";
import { type EndedTask, endedTask } from "../../support/run-tasks.ts";
import type { Distribution } from "./distributions.ts";

export { attestation } from "./attestation.ts";

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

export const PACKAGES = "content/python/packages/";
export const PROVENANCE = "content/python/provenance/";

/** The answer of a synchronous upload. */
export const upload = (
  api: TestApi,
  { filename, bytes }: Distribution,
  fields: Readonly<Record<string, string>> = {},
): Promise<TestAnswer> =>
  api.request("POST", `${PACKAGES}upload/`, formOf(fields, [{ name: "file", bytes, filename }]));

/** A unit that is uploaded. */
export async function uploaded(api: TestApi, file: Distribution): Promise<TestAnswer["body"]> {
  const answer = await upload(api, file);
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

/** The task that makes a unit of a file. */
export async function createPackage(
  api: TestApi,
  { filename, bytes }: Distribution,
  fields: Readonly<Record<string, string>> = {},
): Promise<EndedTask> {
  const form = formOf({ relative_path: filename, ...fields }, [{ name: "file", bytes, filename }]);
  return endedTask(api, await api.request("POST", PACKAGES, form));
}

/** The task of a `modify`. */
export const modify = async (api: TestApi, repository: string, json: object): Promise<EndedTask> =>
  endedTask(api, await api.post(`${repository}modify/`, json));

/** Names of the files in the latest version, sorted. */
export async function filenames(api: TestApi, repository: string): Promise<readonly string[]> {
  const { latest_version_href } = (await api.get(repository)).body;
  const { body } = await api.get(`${PACKAGES}?repository_version=${latest_version_href}`);
  return body.results.map(({ filename }: { filename: string }) => filename).sort();
}
