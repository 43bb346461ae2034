import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { root } from "./sources.ts";

const biome = join(root, "node_modules/.bin/biome");
const tsc = join(root, "node_modules/.bin/tsc");

/** Files that break one rule each, told apart by the rule that must speak. */
const broken: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  noRestrictedImports: {
    "src/core/a.ts": 'import { x } from "#rest/x.ts";\n\nexport const y = x;\n',
  },
  noImportCycles: {
    "src/core/a.ts": 'import { b } from "./b.ts";\n\nexport const a = () => b;\n',
    "src/core/b.ts": 'import { a } from "./a.ts";\n\nexport const b = () => a;\n',
  },
  noExcessiveLinesPerFile: { "src/core/a.ts": "export const a = 1;\n".repeat(501) },
  noExcessiveLinesPerFunction: {
    "src/core/a.ts": `export function a(): void {\n${'  console.log("");\n'.repeat(61)}}\n`,
  },
  noExcessiveCognitiveComplexity: {
    "src/core/a.ts": `export function a(n: number): number {\n${"  if (n > 1) {\n".repeat(6)}  return 1;\n${"  }\n".repeat(6)}  return 2;\n}\n`,
  },
  noExplicitAny: { "src/core/a.ts": "export const a: any = 1;\n" },
  noNonNullAssertion: { "src/core/a.ts": "export const a = (x?: number) => x!;\n" },
};

for (const [rule, files] of Object.entries(broken)) {
  test(`lint fails on ${rule}`, async (t) => {
    const folder = await scratch(t, files);
    const { status, stdout, stderr } = spawnSync(biome, ["lint", "--max-diagnostics=500", "src"], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.notEqual(status, 0);
    assert.match(stdout + stderr, new RegExp(rule));
  });
}

test("the type check fails on a wrong type", async (t) => {
  const folder = await scratch(t, { "src/core/a.ts": 'export const a: number = "1";\n' });
  const { status, stdout } = spawnSync(tsc, ["--noEmit", "-p", "."], {
    cwd: folder,
    encoding: "utf8",
  });
  assert.notEqual(status, 0);
  assert.match(stdout, /TS2322/);
});

async function scratch(
  t: { after(fn: () => Promise<void>): void },
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-lint-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  execFileSync("git", ["init", "-q", folder]);
  await Promise.all(
    ["biome.json", "tsconfig.json", "package.json", ".gitignore"].map((name) =>
      cp(join(root, name), join(folder, name)),
    ),
  );
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}
