import assert from "node:assert/strict";
import { test } from "node:test";
import { violation } from "./import-rules.ts";
import { importsOf, read, sourceFiles } from "./sources.ts";

test("every import of src keeps to the matrix", () => {
  const broken = sourceFiles()
    .filter((path) => path.startsWith("src/") && path.endsWith(".ts"))
    .flatMap((path) =>
      importsOf(path, read(path)).map((each) => [path, each.specifier, violation(path, each)]),
    )
    .filter(([, , reason]) => reason !== undefined);
  assert.deepEqual(broken, []);
});

const forbidden = [
  ["src/base/a.ts", 'import { x } from "#platform/x.ts";'],
  ["src/core/tasks/a.ts", 'import { x } from "#rest/kit/x.ts";'],
  ["src/core/tasks/a.ts", 'import { open } from "#platform/db/open.ts";'],
  ["src/core/tasks/a.ts", 'import { x } from "../uploads/rules.ts";'],
  ["src/core/tasks/a.ts", 'import { x } from "#core/uploads/table.ts";'],
  ["src/rest/a.ts", 'import { x } from "../delivery/x.ts";'],
  ["src/rest/a.ts", 'import { open } from "#platform/db/open.ts";'],
  ["src/rest/a.ts", 'const x = await import("#worker/x.ts");'],
  ["src/plugins/file/a.ts", 'import { x } from "../gem/x.ts";'],
  ["src/plugins/file/a.ts", 'import type { Ctx } from "#core/ctx.ts";'],
  ["src/sdk/index.ts", 'export { x } from "#app/x.ts";'],
  ["src/bin/api.ts", 'import { x } from "#core/ctx.ts";'],
  ["src/app/a.ts", 'import { x } from "../../test/support/x.ts";'],
] as const;

for (const [path, text] of forbidden) {
  test(`${path} is refused ${text}`, () => {
    const [only] = importsOf(path, text);
    assert.ok(only && violation(path, only));
  });
}

const allowed = [
  ["src/core/tasks/a.ts", 'import type { Log } from "#platform/log/log.ts";'],
  ["src/core/tasks/a.ts", 'import { type Log, type Level } from "#platform/log/log.ts";'],
  ["src/core/tasks/a.ts", 'import { x } from "../uploads/queries.ts";'],
  ["src/core/tasks/a.ts", 'import type { T } from "#core/uploads/table.ts";'],
  ["src/plugins/file/a.ts", 'import { x } from "./format/x.ts";\nimport { y } from "#sdk";'],
  ["src/rest/a.ts", 'import pg from "pg";'],
] as const;

for (const [path, text] of allowed) {
  test(`${path} may ${text.split("\n")[0]}`, () => {
    const reasons = importsOf(path, text).map((each) => violation(path, each));
    assert.ok(reasons.length > 0 && reasons.every((reason) => reason === undefined));
  });
}
