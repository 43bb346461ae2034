import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { blackBox } from "./support/black-box.ts";
import { python } from "./support/python.ts";

const box = blackBox();

test("the generated bindings hand out rights at every level, use them and take them", () => {
  const { apiUrl, username, password } = box.server;
  const script = join(import.meta.dirname, "access_bindings.py");
  const { stdout } = python(script, [apiUrl, username, password]);
  assert.match(stdout, /all expectations met/);
});
