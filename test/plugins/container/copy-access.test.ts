import assert from "node:assert/strict";
import { test } from "node:test";
import { endedTask } from "../../support/run-tasks.ts";
import { createContainerApi, DISTRIBUTIONS, made, REPOSITORIES } from "./support.ts";

test("nobody copies from a repository that they do not see", async (t) => {
  const api = await createContainerApi(t);
  const own = await made(api, REPOSITORIES, { name: "own" });
  const secret = await made(api, REPOSITORIES, { name: "secret" });
  const bob = await made(api, "users/", { username: "bob", password: "correct horse" });
  const give = async (role: string, object: string) => {
    const json = { role, content_object: object };
    assert.equal((await api.post(`${bob.pulp_href}roles/`, json)).status, 201);
  };
  await give("container.containerrepository_owner", own.pulp_href);
  const copy = async (action: string, json: object) =>
    (await api.request("POST", `${own.pulp_href}${action}/`, { json, user: "bob:correct horse" }))
      .status;
  const ways = [
    ["copy_tags", { source_repository: secret.pulp_href }],
    ["copy_tags", { source_repository_version: secret.latest_version_href }],
    ["copy_manifests", { source_repository: secret.pulp_href }],
    ["copy_manifests", { source_repository_version: secret.latest_version_href }],
  ] as const;
  const answers = async () => {
    const all: number[] = [];
    for (const [action, json] of ways) all.push(await copy(action, json));
    return [...new Set(all)];
  };
  const serve = { name: "d", base_path: "ns/secret", repository: secret.pulp_href, private: true };
  const distribution = await made(api, DISTRIBUTIONS, serve);

  assert.deepEqual(await answers(), [403]);
  assert.equal(await copy("copy_tags", { source_repository: own.pulp_href }), 202);

  const open = await api.request("PATCH", distribution.pulp_href, { json: { private: false } });
  assert.equal((await endedTask(api, open)).state, "completed");
  assert.deepEqual(await answers(), [202], "everybody may pull it");
  const close = await api.request("PATCH", distribution.pulp_href, { json: { private: true } });
  assert.equal((await endedTask(api, close)).state, "completed");
  assert.deepEqual(await answers(), [403]);
  await give("container.containerrepository_viewer", secret.pulp_href);
  assert.deepEqual(await answers(), [202]);
});
