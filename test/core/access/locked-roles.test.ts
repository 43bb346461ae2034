import assert from "node:assert/strict";
import { test } from "node:test";
import { lockedRoles, modelPermissions } from "#core/access/locked-roles.ts";
import type { CorePlugin } from "#core/plugin-contract.ts";
import { coreModels } from "#core/policies/core-models.ts";
import { OWNER_VERBS, STANDARD_ROLES } from "#core/policies/crud.ts";
import type { AccessModel } from "#core/policies/types.ts";

const file: AccessModel = {
  model: "file.filerepository",
  extras: ["file.sync_filerepository"],
  roles: {
    ...STANDARD_ROLES,
    owner: [...OWNER_VERBS, "sync"],
    "file.any_uploader": ["file.upload"],
  },
};
const all = [coreModels, [file]].map((models) => ({
  access: { policies: [], models, adminOnly: [] },
})) as unknown as readonly CorePlugin[];
const plugins = { all };

test("locked roles are those of every component", () => {
  const roles = lockedRoles(plugins);
  assert.deepEqual(roles.get("core.upload_creator"), ["core.add_upload"]);
  assert.deepEqual(roles.get("core.task_user_dispatcher"), ["core.add_task"]);
  assert.equal(roles.has("core.task_creator"), false);
  assert.deepEqual(roles.get("file.filerepository_owner"), [
    ...["file.view_filerepository", "file.change_filerepository", "file.delete_filerepository"],
    ...["file.manage_roles_filerepository", "file.sync_filerepository"],
  ]);
  assert.deepEqual(roles.get("file.any_uploader"), ["file.upload"]);
  assert.equal(lockedRoles({ all: all.slice(0, 1) }).has("file.filerepository_owner"), false);
});

test("permissions of a model are the common ones and its own", () => {
  assert.deepEqual(modelPermissions(plugins, "core.task"), [
    ...["core.add_task", "core.view_task", "core.change_task", "core.delete_task"],
    ...["core.manage_roles_task", "core.view_task_profile_artifacts"],
  ]);
  assert.equal(modelPermissions(plugins, "core.artifact").length, 4);
  assert.deepEqual(modelPermissions(plugins, "gem.gemremote"), []);
});
