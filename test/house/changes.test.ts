import assert from "node:assert/strict";
import { test } from "node:test";
import { read, sourceFiles } from "./sources.ts";

const KINDS = ["added", "changed", "deprecated", "removed", "fixed", "security"];

const notes = sourceFiles().filter((path) => /^changes\/(?!README)[^/]+\.md$/.test(path));

/** `changes/<slug>.<kind>.md`, one sentence or more, ending with a full stop. */
function problem(path: string, text: string): string | undefined {
  const kind = path.split(".").at(-2) ?? "";
  if (!KINDS.includes(kind)) return `${path}: the kind is one of ${KINDS.join(", ")}`;
  return /\.\s*$/.test(text) ? undefined : `${path}: ends with a full stop`;
}

test("pending changes have a note each", () => {
  assert.ok(notes.length > 0, "a change brings its note in changes/");
  assert.deepEqual(notes.map((path) => problem(path, read(path))).filter(Boolean), []);
});

test("a note of no kind is refused", () => {
  assert.ok(problem("changes/a.md", "Something."));
  assert.ok(problem("changes/a.added.md", "Something"));
  assert.equal(problem("changes/a.added.md", "Something."), undefined);
});
