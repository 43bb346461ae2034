import assert from "node:assert/strict";
import { test } from "node:test";
import { readRules } from "./rules.ts";

const NONE = { privateNames: [], allowed: [], denied: [] };

test("names and versions are compared as indexes compare them", () => {
  const book = readRules({ ...NONE, denied: ["Acme._Tool<2", "bad"], privateNames: ["own-*"] });
  assert.match(book.refusal("acme-tool", "1.9") ?? "", /denies Acme._Tool<2/);
  assert.equal(book.refusal("acme-tool", "2.0"), undefined);
  assert.match(book.refusal("acme-tool", "2.0.dev1") ?? "nothing", /nothing/);
  assert.ok(book.refusal("bad", "not a version"));
  assert.deepEqual([book.isOut("bad"), book.isOut("acme-tool")], [true, false]);
  assert.deepEqual([book.isPrivate("own-x"), book.isPrivate("owner")], [true, false]);
});

test("what is denied stays so though it is allowed", () => {
  const book = readRules({ ...NONE, allowed: ["six", "seven>=1"], denied: ["six==1.0"] });
  assert.match(book.refusal("six", "1.0") ?? "", /denies/);
  assert.equal(book.refusal("six", "2.0"), undefined);
  assert.match(book.refusal("seven", "0.9") ?? "", /allows nothing of seven but seven>=1/);
  assert.ok(book.isOut("eight"));
});

test("reasons stay short whatever the rules are", () => {
  const many = Array.from({ length: 1000 }, (_, i) => `six===${"x".repeat(1000)}${i}`);
  const reason = readRules({ ...NONE, allowed: many }).refusal("six", "1.0") ?? "";
  assert.ok(reason.length < 1200 && reason.endsWith(", …"), reason);
});
