import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { IsolatedJq } from "#platform/jq/isolated-jq.ts";

function openJq(t: TestContext): IsolatedJq {
  const jq = new IsolatedJq();
  t.after(() => jq[Symbol.asyncDispose]());
  return jq;
}

const IDENTITY = JSON.stringify({
  identity: { org_id: "44", user: { username: "mara" }, list: [1, 2], ü: "é😀" },
});

const PROGRAMS: readonly (readonly [string, unknown])[] = [
  [".identity.user.username", "mara"],
  ['.identity | "\\(.org_id // "")|\\(.user.username)"', "44|mara"],
  ['if .identity.org_id == "44" and .identity.user then .identity.org_id else empty end', "44"],
  [".identity.list[]", 1],
  [".identity.list", [1, 2]],
  ['.identity["ü"]', "é😀"],
  [".nothing", null],
  ["def f(x): x | x; f(.identity?) // 7", 7],
  [". as {identity: {user: $u}} | $u.username", "mara"],
  ["try error(1) catch .", 1],
  [".identity.org_id # a comment", "44"],
  ["1, error(2)", 1],
  ["repeat(3)", 3],
  ["-5", -5],
];

test("programs give their first result", async (t) => {
  const jq = openJq(t);
  for (const [program, value] of PROGRAMS) {
    assert.deepEqual(await jq.first(program, IDENTITY), { kind: "value", value }, program);
    assert.equal(await jq.problem(program), undefined, program);
  }
  assert.deepEqual(await jq.first("empty", "1"), { kind: "empty" });
  assert.deepEqual(await jq.first("select(.a)", "{}"), { kind: "empty" });
});

test("what is no program, and what fails on its input", async (t) => {
  const jq = openJq(t);
  for (const program of ["", ".a |", ".a)(", "nothing", 'include "x"; .', "--version", "\0"]) {
    assert.notEqual(await jq.problem(program), undefined, program);
    assert.equal((await jq.first(program, "1")).kind, "failed", program);
  }
  const failing = [
    [".a", "1"],
    [".", "{"],
    [".", "[".repeat(5000) + "]".repeat(5000)],
    ["input", "1"],
    ['error("x")', "1"],
    ["halt_error", "1"],
    [".", '"\\ud800"'],
    [".", `"${"x".repeat(70_000)}"`],
    ['"x" * 100000', "1"],
  ] as const;
  for (const [program, input] of failing) {
    assert.equal((await jq.first(program, input)).kind, "failed", program);
  }
});

test("a program sees no file and nothing of the process", async (t) => {
  const jq = openJq(t);
  const { value } = (await jq.first("$ENV", "1")) as { value: Record<string, string> };

  assert.equal(value.PATH, "/");
  assert.equal(JSON.stringify(value).includes(import.meta.dirname), false);
  assert.equal((await jq.first('import "/etc/hosts" as $x; $x', "1")).kind, "failed");
});

test("programs without end and without measure are stopped, and others go on", async (t) => {
  const jq = openJq(t);
  for (const program of ["def f: f; f", "[range(1e9)]", "def f: 1 + f; f", '"x" * 1e9']) {
    const started = performance.now();
    assert.equal((await jq.first(program, "1")).kind, "failed", program);
    assert.ok(performance.now() - started < 15_000, program);
    assert.deepEqual(await jq.first(".", "1"), { kind: "value", value: 1 }, program);
  }
});

test("a program that had to be stopped does not hold up others again at once", async (t) => {
  const jq = openJq(t);
  await jq.first("def f: f; f", "1");

  const answers = Array.from({ length: 50 }, (_, n) => jq.first("def f: f; f", String(n)));
  const started = performance.now();
  assert.deepEqual(await jq.first(".", "2"), { kind: "value", value: 2 });
  assert.ok(performance.now() - started < 5000);
  for (const { kind } of await Promise.all(answers)) assert.equal(kind, "failed");
});

test("the same question at the same time is asked once, so nobody is refused", async (t) => {
  const jq = openJq(t);
  const answers = await Promise.all(Array.from({ length: 1000 }, () => jq.first(".a", "{}")));
  assert.deepEqual(new Set(answers.map(({ kind }) => kind)), new Set(["value"]));
});

test("a flood is refused instead of queued for ever", async (t) => {
  const jq = openJq(t);
  const answers = await Promise.all(
    Array.from({ length: 400 }, (_, n) => jq.first(". + 1", String(n))),
  );
  const kinds = new Set(answers.map(({ kind }) => kind));
  assert.deepEqual(kinds, new Set(["value", "failed"]));
  assert.deepEqual(await jq.first(". + 1", "500"), { kind: "value", value: 501 });
});
