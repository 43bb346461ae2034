import assert from "node:assert/strict";
import { test } from "node:test";
import { permissionName } from "./permission-names.ts";
import { permissionProblem, type ScopeQuestion, scopeAllows } from "./token-scope.ts";
import { isWholeToken, looksLikeToken, newToken, withoutToken } from "./token-text.ts";

const view: ScopeQuestion = {
  ...{ isRead: true, permission: "file.view_filerepository", domain: "default" },
  objects: ["prn:file.filerepository:1"],
};
const sync: ScopeQuestion = { ...view, isRead: false, permission: "file.sync_filerepository" };
const nameless: ScopeQuestion = { isRead: false, domain: "default" };
const changeUser: ScopeQuestion = { isRead: false, permission: "auth.change_user", objects: [] };
const viewUser: ScopeQuestion = { isRead: true, permission: "auth.view_user", objects: [] };
const giveRole: ScopeQuestion = { ...sync, permission: "file.manage_roles_filerepository" };

const CASES: readonly (readonly [readonly string[], readonly ScopeQuestion[]])[] = [
  [[], []],
  [["*"], [view, sync, nameless, changeUser, viewUser, giveRole]],
  [["read"], [view, viewUser]],
  [["file.*"], [view, sync]],
  [["file.sync_filerepository"], [sync]],
  [["fil.*"], []],
  [["file.sync_filerepositor"], []],
  [["auth.*"], [viewUser]],
  [["auth.change_user"], [changeUser]],
  [["file.manage_roles_filerepository"], [giveRole]],
];

test("a scope allows what one of its words names, and nothing else", () => {
  const all = [view, sync, nameless, changeUser, viewUser, giveRole];
  for (const [permissions, allowed] of CASES) {
    assert.deepEqual(
      all.filter((question) => scopeAllows({ permissions }, question)),
      allowed,
      permissions.join(),
    );
  }
  assert.ok(all.every((question) => scopeAllows(undefined, question)));
});

test("domains and objects limit every word", () => {
  const permissions = ["*"];
  assert.equal(scopeAllows({ permissions, domains: ["default"] }, view), true);
  assert.equal(scopeAllows({ permissions, domains: ["other"] }, view), false);
  assert.equal(scopeAllows({ permissions, domains: [] }, view), false);
  assert.equal(scopeAllows({ permissions, domains: ["default"] }, changeUser), false);
  assert.equal(scopeAllows({ permissions, objects: ["prn:file.filerepository:1"] }, view), true);
  assert.equal(scopeAllows({ permissions, objects: ["prn:file.filerepository:2"] }, view), false);
  assert.equal(
    scopeAllows({ permissions, objects: ["prn:file.filerepository:1"] }, nameless),
    false,
  );
});

test("words of a scope have one of four forms", () => {
  for (const word of ["*", "read", "file.*", "core.view_task"])
    assert.equal(permissionProblem(word), undefined);
  for (const word of ["", "**", "write", "file", "file.", ".view", "file.*_x", "a.b.c", "a.b\n"])
    assert.notEqual(permissionProblem(word), undefined, word);
});

test("actions have permissions by the names of policies", () => {
  assert.equal(permissionName("file.filerepository", "list"), "file.view_filerepository");
  assert.equal(permissionName("file.filerepository", "sync"), "file.sync_filerepository");
  assert.equal(permissionName("core.task", "constructor"), "core.constructor_task");
});

test("check digits find every slip of one character and every swap of neighbours", () => {
  const token = newToken();
  assert.ok(isWholeToken(token));
  for (let at = 4; at < token.length; at += 1) {
    const other = token[at] === "a" ? "b" : "a";
    const slip = token.slice(0, at) + other + token.slice(at + 1);
    assert.deepEqual([looksLikeToken(slip), isWholeToken(slip)], [true, false], slip);
    const swapped = token.slice(0, at) + (token[at + 1] ?? "") + token[at] + token.slice(at + 2);
    assert.equal(isWholeToken(swapped), swapped === token, swapped);
  }
  assert.equal(looksLikeToken(token.slice(0, -1)), false);
  assert.equal(new Set(Array.from({ length: 100 }, newToken)).size, 100);
  assert.equal(withoutToken(`a ${token}:b`), "a dkl_…:b");
});
