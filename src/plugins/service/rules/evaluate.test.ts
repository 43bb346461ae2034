import assert from "node:assert/strict";
import { test } from "node:test";
import { mismatch, verdictOf } from "./evaluate.ts";
import type { AskedRequest, GuardRule } from "./types.ts";

const RULE: GuardRule = {
  ...{ effect: "allow", enabled: true, actions: ["pull"], path_prefixes: [] },
  ...{ valid_from: null, valid_until: null, subject: null, org_id: "7", account: null },
};
const ASKED: AskedRequest = {
  principal: { subject: "/o=x/cn=bot", organisation: "7" },
  ...{ action: "pull", path: "a/b", now: 1000 },
};

test("a rule is about a request if all of it is", () => {
  const account = { canonical_dn: "/o=x/cn=bot", org_id: null, enabled: true, expires_at: null };
  const ofAccount = { ...RULE, org_id: null, account };
  const matching: readonly Partial<GuardRule>[] = [
    ...[{}, { path_prefixes: ["x", "a"] }, { path_prefixes: ["a/b"] }, { valid_from: 1000 }],
    ...[{ valid_until: 1001 }, { actions: ["push", "pull"] }],
    ...[{ org_id: null, subject: "/o=x/*" }, ofAccount],
    { ...ofAccount, account: { ...account, expires_at: 1001 } },
  ];
  for (const rule of matching)
    assert.equal(mismatch({ ...RULE, ...rule }, ASKED), undefined, JSON.stringify(rule));
  const others = [
    ...[{ enabled: false }, { path_prefixes: ["a/bc", "ab", "b"] }, { valid_from: 1001 }],
    ...[{ valid_until: 1000 }, { actions: ["push"] }, { actions: [] }, { org_id: "8" }],
    ...[
      { org_id: null, subject: "/o=y/*" },
      { org_id: null, account: null },
    ],
    { ...ofAccount, account: { ...account, enabled: false } },
    { ...ofAccount, account: { ...account, expires_at: 1000 } },
    { ...ofAccount, account: { ...account, canonical_dn: "/o=x/cn=other" } },
  ];
  for (const rule of others) assert.ok(mismatch({ ...RULE, ...rule }, ASKED), JSON.stringify(rule));
});

test("who is nobody is whom no rule is about", () => {
  const nobody = { ...ASKED, principal: {} };
  for (const rule of [RULE, { ...RULE, org_id: null, subject: "*" }])
    assert.ok(mismatch(rule, nobody));
});

test("an account of one organisation is not that of another with the same name", () => {
  const account = { canonical_dn: "/o=x/cn=bot", org_id: "1", enabled: true, expires_at: null };
  const rule = { ...RULE, org_id: null, account };
  const from = (inner?: string) => ({
    ...ASKED,
    principal: { subject: "/o=x/cn=bot", ...(inner === undefined ? {} : { inner }) },
  });
  assert.equal(mismatch(rule, from()), undefined);
  assert.equal(mismatch(rule, from("1")), undefined);
  assert.ok(mismatch(rule, from("2")));
});

test("what denies wins, and what is not about it says nothing", () => {
  const deny: GuardRule = { ...RULE, effect: "deny" };
  assert.equal(verdictOf([], ASKED), undefined);
  assert.equal(verdictOf([RULE], ASKED), "allow");
  assert.equal(verdictOf([RULE, deny, RULE], ASKED), "deny");
  assert.equal(verdictOf([RULE, { ...deny, path_prefixes: ["z"] }], ASKED), "allow");
  assert.equal(verdictOf([{ ...RULE, enabled: false }], ASKED), undefined);
});
