import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "#base/digests.ts";
import { ADMIN_PASSWORD, formOf } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { sdist } from "./distributions.ts";
import { createGroups, type Groups } from "./group-world.ts";
import { filenames } from "./support.ts";

const PASSWORD = "of the tests 1";

async function upload(w: Groups, name: string, project: string, user = `admin:${ADMIN_PASSWORD}`) {
  const { filename, bytes } = sdist({ name: project, version: "1.0" });
  const form = formOf({ ":action": "file_upload", sha256_digest: sha256(bytes).toString("hex") }, [
    { name: "content", bytes, filename },
  ]);
  return w.api.request("POST", `/pypi/${name}/legacy/`, { ...form, user });
}

test("an upload to a group goes to the member that is named, or the first that takes some", async (t) => {
  const w = await createGroups(t);
  await w.window("up");
  await w.hosted("closed", [], { allow_uploads: false });
  await w.hosted("a", []);
  await w.hosted("b", []);
  const members = ["up", "closed", "a", "b"];
  await w.group("first", members);
  await w.group("named", members, { upload_member: w.href("b") });
  await w.group("none", ["up", "closed"]);
  await w.group("shut", members, { allow_uploads: false });
  await w.group("named-shut", members, { upload_member: w.href("closed") });

  assert.equal((await upload(w, "first", "one")).status, 202);
  assert.equal((await upload(w, "named", "two")).status, 202);
  const again = await upload(w, "named", "one");
  const none = await upload(w, "none", "three");
  const shut = await upload(w, "shut", "three");

  assert.deepEqual(await filenames(w.api, w.repository("a")), ["one-1.0.tar.gz"]);
  assert.deepEqual(await filenames(w.api, w.repository("b")), ["two-1.0.tar.gz"]);
  assert.deepEqual(
    [again.status, again.text],
    [400, "Package one-1.0.tar.gz already exists in index"],
  );
  assert.deepEqual([none.status, none.text], [403, "No member of this index takes uploads"]);
  assert.deepEqual([shut.status, shut.text], [403, "Index is not allowing uploads"]);
  assert.equal((await upload(w, "named-shut", "three")).status, 403);
});

test("who may not change the repository of the member may not change it through the group", async (t) => {
  const w = await createGroups(t);
  await w.hosted("a", []);
  await w.group("all", ["a"]);
  await w.api.post("users/", { username: "ann", password: PASSWORD });
  const asAnn = () => upload(w, "all", "one", `ann:${PASSWORD}`);

  assert.equal((await asAnn()).status, 403);
  await w.api.post(`${w.repository("a")}add_role/`, {
    role: "python.pythonrepository_owner",
    users: ["ann"],
  });
  assert.equal((await asAnn()).status, 202);
});

test("a release is yanked in the member that takes the uploads of the group", async (t) => {
  const w = await createGroups(t);
  await w.hosted("a", []);
  await w.group("all", ["a"]);
  await upload(w, "all", "one");

  const answer = await w.api.request("POST", "/pypi/all/yank/", {
    json: { name: "one", version: "1.0", yanked_reason: "broken" },
  });
  const task = await endedTask(w.api, answer);

  assert.equal(task.state, "completed");
  const { body } = await w.get("all/simple/one/?format=json");
  assert.equal(body.files[0].yanked, "broken");
});
