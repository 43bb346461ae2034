import assert from "node:assert/strict";
import { test } from "node:test";
import { lockedRoles, modelPermissions } from "./locked-roles.ts";
import { passwordProblems } from "./rules.ts";

const SHORT = "This password is too short. It must contain at least 8 characters.";
const COMMON = "This password is too common.";
const NUMERIC = "This password is entirely numeric.";

const passwords: readonly (readonly [string, readonly string[]])[] = [
  ["long enough and odd", []],
  ["pässwörtchen", []],
  ["short7!", [SHORT]],
  ["Password1", [COMMON]],
  ["72946105", [NUMERIC]],
  ["12345678", [COMMON, NUMERIC]],
  ["1234", [SHORT, COMMON, NUMERIC]],
];

for (const [password, problems] of passwords) {
  test(`the password "${password}" has ${problems.length} problems`, () => {
    assert.deepEqual(passwordProblems(password), problems);
  });
}

test("locked roles are those of the components asked for", () => {
  const core = lockedRoles(new Set(["core"]));
  assert.deepEqual(core.get("core.upload_creator"), ["core.add_upload"]);
  assert.deepEqual(core.get("core.task_user_dispatcher"), ["core.add_task"]);
  assert.equal(core.has("core.task_creator"), false);
  assert.equal(core.has("file.filerepository_owner"), false);

  const both = lockedRoles(new Set(["core", "file"]));
  assert.deepEqual(both.get("file.filerepository_owner"), [
    ...["file.view_filerepository", "file.change_filerepository", "file.delete_filerepository"],
    ...["file.manage_roles_filerepository", "file.sync_filerepository"],
    ...["file.modify_filerepository", "file.repair_filerepository"],
  ]);
  assert.deepEqual(both.get("file.file_uploader"), ["file.upload_files"]);
});

test("permissions of a model are the common five and its own", () => {
  assert.deepEqual(modelPermissions("core.task"), [
    ...["core.add_task", "core.view_task", "core.change_task", "core.delete_task"],
    ...["core.manage_roles_task", "core.view_task_profile_artifacts"],
  ]);
  assert.equal(modelPermissions("gem.gemremote").length, 5);
});
