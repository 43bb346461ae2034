import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog, type LogOptions } from "#platform/log/create-log.ts";

test("a text line has correlation id, logger, level and message", () => {
  const { log, lines } = capture({});

  log.info("Starting pulpcore worker");
  log.named("pulpcore.tasking.tasks").of("abc").warn("Slow task", { task: "1 2", ms: 3 });

  assert.deepEqual(lines, [
    "pulp [None]: pulpcore:INFO: Starting pulpcore worker\n",
    'pulp [abc]: pulpcore.tasking.tasks:WARNING: Slow task task="1 2" ms=3\n',
  ]);
});

test("control characters cannot forge a line", () => {
  const { log, lines } = capture({});

  log.of("x\ny").error("a\npulp [None]: root:INFO: b\u001b[2J\u0085", { path: "\r\n" });

  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.trimEnd().includes("\n"), false);
  assert.match(lines[0] ?? "", /a\\u000apulp .*b\\u001b\[2J\\u0085 path="\\r\\n"/);
});

test("the stack of an error is indented below its line", () => {
  const { log, lines } = capture({});

  log.error("It broke", { error: new Error("one\npulp [None]: root:INFO: two") });

  const [first, ...below] = (lines[0] ?? "").trimEnd().split("\n");
  assert.equal(first, "pulp [None]: pulpcore:ERROR: It broke");
  assert.ok(below.length > 1);
  assert.ok(below.every((line) => line.startsWith("    ")));
});

test("JSON lines hold the same facts, one object per line", () => {
  const { log, lines } = capture({ format: "json" });

  log.of("abc").info("Done \u009b", { count: 2 });

  const { time, ...line } = JSON.parse(lines[0] ?? "");
  assert.deepEqual(line, {
    level: "info",
    logger: "pulpcore",
    cid: "abc",
    msg: "Done \u009b",
    count: 2,
  });
  assert.match(time, /Z$/);
  assert.equal(lines[0]?.includes("\u009b"), false);
});

test("the level can change while the process runs", () => {
  const { log, lines } = capture({ level: "warn" });

  log.info("hidden");
  log.setLevel("debug");
  log.debug("shown");

  assert.deepEqual(lines, ["pulp [None]: pulpcore:DEBUG: shown\n"]);
});

function capture(options: Partial<LogOptions>) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return { log: createLog({ level: "info", format: "text", write, ...options }), lines };
}
