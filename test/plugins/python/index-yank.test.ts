import assert from "node:assert/strict";
import { test } from "node:test";
import { endedTask } from "../../support/run-tasks.ts";
import { createIndex, type IndexWorld } from "./index-world.ts";
import { REPOSITORIES } from "./support.ts";

const FILE = { filename: "shelf-1.0.tar.gz", name: "shelf", version: "1.0" };
const WHEEL = { ...FILE, filename: "shelf-1.0-py3-none-any.whl" };
const NEXT = { filename: "shelf-1.1.tar.gz", name: "shelf", version: "1.1" };

const post = (index: IndexWorld, path: string, json: object, user?: string | null) =>
  index.api.request("POST", `/pypi/team/index/${path}`, {
    json,
    ...(user === undefined ? {} : { user }),
  });

async function latest(index: IndexWorld): Promise<number> {
  const { body } = await index.api.get(`${REPOSITORIES}${index.repository}/`);
  return Number(body.latest_version_href.split("/").at(-2));
}

async function yanked(index: IndexWorld): Promise<Readonly<Record<string, unknown>>> {
  const { body } = await index.get("simple/shelf/?format=json");
  return Object.fromEntries(
    body.files.map((file: { filename: string; yanked: unknown }) => [file.filename, file.yanked]),
  );
}

/** Path, reason → what pages say of the release, and whether there is a new version. */
const STEPS: readonly (readonly [path: string, reason: string, told: unknown, isNew: boolean])[] = [
  ["unyank/", "", false, false],
  ["yank/", "broken", "broken", true],
  ["yank/", "broken", "broken", false],
  ["yank/", "", true, true],
  ["unyank/", "", false, true],
];

test("a release is yanked in this repository until it is unyanked", async (t) => {
  const index = await createIndex(t);
  await index.add(FILE, WHEEL, NEXT);
  for (const [path, reason, told, isNew] of STEPS) {
    const before = await latest(index);
    const json = { name: "Shelf", version: "1.0", yanked_reason: reason };
    const answer = await post(index, path, json);
    assert.equal(answer.status, 202, answer.text);
    const task = await endedTask(index.api, answer);
    assert.equal(task.state, "completed", JSON.stringify(task.error));
    assert.deepEqual(await yanked(index), {
      [FILE.filename]: told,
      [WHEEL.filename]: told,
      [NEXT.filename]: false,
    });
    assert.equal((await latest(index)) - before, isNew ? 1 : 0, `${path} ${reason}`);
  }
});

test("what cannot be yanked is refused and changes nothing", async (t) => {
  const index = await createIndex(t);
  await index.add(FILE);
  const release = { name: "shelf", version: "1.0" };

  const missing = await post(index, "yank/", { ...release, version: "2.0" });
  const stranger = await post(index, "yank/", release, null);
  const nameless = await post(index, "yank/", { version: "1.0" });
  await index.api.request("PATCH", index.distribution, { json: { repository: null } });
  const nowhere = await post(index, "unyank/", release);

  assert.deepEqual([missing.status, missing.body.detail], [404, "shelf 2.0 is not in this index."]);
  assert.equal(stranger.status, 401);
  assert.deepEqual([nameless.status, nameless.body.name], [400, ["This field is required."]]);
  assert.deepEqual([nowhere.status, nowhere.text], [400, "Index is not pointing to a repository"]);
  assert.equal(await latest(index), 1);
});
