import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError, fieldError } from "#base/errors.ts";
import { describeFailure } from "./failure.ts";
import { resultText } from "./result.ts";

test("a coded error keeps its code, a validation error its detail", () => {
  const coded = describeFailure(new CodedError("PLP0003", 500, "wrong digest"), true);
  assert.equal(coded.description, "[PLP0003] wrong digest");
  assert.equal(coded.error_code, "PLP0003");
  const named = describeFailure(new CodedError("task-input", 500, "no"), true);
  assert.deepEqual([named.description, named.error_code], ["no", undefined]);
  const invalid = describeFailure(fieldError("name", "taken"), true);
  assert.equal(invalid.description, '{"name":["taken"]}');
});

test("with redaction only texts of ours are shown", () => {
  const error = new Error("password is hunter2");
  assert.equal(describeFailure(error, false).description, "password is hunter2");
  assert.deepEqual(describeFailure(error, true), {
    description: "[PLP0000] An internal error occurred.",
    traceback: "",
    error_code: "PLP0000",
  });
});

test("host paths, credentials and signatures are left out", () => {
  const error = new Error("GET https://user:secret@host.example/a?X-Signature=abc failed");
  const { description, traceback } = describeFailure(error, false);
  assert.equal(description, "GET https://host.example/a failed");
  assert.match(traceback ?? "", /at .*src\/core\/tasks\/failure\.test\.ts:\d+/);
  assert.doesNotMatch(traceback ?? "", /(file:|\(|\s)\/\w/);
  assert.equal(describeFailure("odd\0text", false).description, "odd\uFFFDtext");
});

test("a result is what JSON and the database can hold", () => {
  assert.equal(resultText(undefined), "null");
  assert.equal(resultText({ a: [1, "x", null], b: undefined }), '{"a":[1,"x",null]}');
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  for (const bad of [
    1n,
    () => 1,
    { a: Symbol("x") },
    [Number.NaN],
    { t: "a\0b" },
    "\ud800",
    circle,
  ]) {
    assert.throws(() => resultText(bad), TypeError);
  }
  assert.throws(() => resultText({ "a\0": 1 }), TypeError);
});
