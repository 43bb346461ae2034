import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createFileUpstream } from "../support/file-upstream.ts";
import { blackBox } from "./support/black-box.ts";
import { python } from "./support/python.ts";

const box = blackBox();

test("the generated bindings create, sync, upload, modify, distribute and delete", async () => {
  await using upstream = await createFileUpstream(5);
  const { apiUrl, username, password } = box.server;
  const script = join(import.meta.dirname, "bindings.py");
  const { stdout } = python(script, [apiUrl, username, password, upstream.manifestUrl]);
  assert.match(stdout, /all expectations met/);
});
