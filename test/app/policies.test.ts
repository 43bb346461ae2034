import assert from "node:assert/strict";
import { test } from "node:test";
import { compose } from "#app/composition.ts";
import { file } from "#plugins/file/plugin.ts";
import type { AccessRules } from "#sdk";

const withAccess = (access: Partial<AccessRules>) => () =>
  compose([{ ...file, access: { ...file.access, ...access } }]);

const { policies } = file.access;
const others = policies.filter(({ viewset }) => viewset !== "remotes/file/file");

test("a program is not put together while an address does not say who may come", () => {
  assert.throws(withAccess({ policies: others }), {
    message: "Nobody says who may use remotes/file/file.",
  });
  assert.doesNotThrow(withAccess({ policies: others, adminOnly: ["remotes/file/file"] }));
});

test("nor while something is said about an address that is not there", () => {
  assert.throws(withAccess({ adminOnly: ["remotes/file/other"] }), {
    message: "There are policies for remotes/file/other, which nobody serves.",
  });
});

test("nor while a policy forgets an operation, which even administrators could not use", () => {
  const deaf = policies.map((policy) => ({
    ...policy,
    statements: policy.statements.map((statement) => ({
      ...statement,
      action: [statement.action].flat().filter((name) => name !== "sync"),
    })),
  }));
  assert.throws(withAccess({ policies: deaf }), {
    message: "Not even administrators may sync repositories/file/file: no statement names it.",
  });
  const any = { action: "*", principal: "admin", effect: "allow" } as const;
  const open = deaf.map((policy) => ({ ...policy, statements: [...policy.statements, any] }));
  assert.doesNotThrow(withAccess({ policies: open }));
});
