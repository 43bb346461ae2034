import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { read, root, sourceFiles } from "./sources.ts";

const pages = sourceFiles().filter((path) => path.endsWith(".md"));

/** Addresses of inline links, without code. */
const linksOf = (text: string): readonly string[] =>
  [...text.replace(/```[\s\S]*?```|`[^`\n]*`/g, "").matchAll(/\]\(([^)\s]+)\)/g)].map(
    ([, address = ""]) => address,
  );

/** GitHub's rule: lower case, no punctuation, hyphens for spaces. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");

const anchorsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^#+\s+(.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));

function isBroken(page: string, address: string): boolean {
  if (/^(?:https?:|mailto:)/.test(address)) return false;
  const [path = "", anchor] = address.split("#");
  const target = path === "" ? page : posix.join(posix.dirname(page), path);
  if (!existsSync(join(root, target))) return true;
  return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
}

for (const page of pages) {
  test(`links of ${page} resolve`, () => {
    assert.deepEqual(
      linksOf(read(page)).filter((address) => isBroken(page, address)),
      [],
    );
  });
}

test("a link to nothing is found", () => {
  assert.equal(isBroken("README.md", "docs/no-such-page.md"), true);
  assert.equal(isBroken("README.md", "#no-such-heading"), true);
  assert.deepEqual(linksOf("`[a](b)` [c](d.md)"), ["d.md"]);
});

test("npm scripts that the pages name exist", () => {
  const { scripts }: { scripts: Readonly<Record<string, string>> } = JSON.parse(
    read("package.json"),
  );
  const missing = pages.flatMap((page) =>
    [...read(page).matchAll(/npm (?:run ([\w:-]+)|(start|test)\b)/g)]
      .map(([, run, short]) => run ?? short ?? "")
      .filter((name) => !(name in scripts))
      .map((name) => `${page}: ${name}`),
  );
  assert.deepEqual(missing, []);
});

test("files of the repository that the pages name exist", () => {
  const missing = pages
    .filter((page) => !page.startsWith("changes/") && page !== "CHANGELOG.md")
    .flatMap((page) =>
      [...read(page).matchAll(/`((?:src|test|tools|docs|bench|openapi)\/[\w./-]+\.\w+)`/g)]
        .map(([, path = ""]) => path)
        .filter((path) => !existsSync(join(root, path)))
        .map((path) => `${page}: ${path}`),
    );
  assert.deepEqual(missing, []);
});

test("decisions are numbered without gaps and have a status", () => {
  const decisions = pages.filter((page) => /^docs\/decisions\/\d{4}-/.test(page)).sort();
  const numbers = decisions.map((page) => Number(posix.basename(page).slice(0, 4)));
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
  const odd = decisions.filter((page) => !/^\*{0,2}Status:\*{0,2} \w+/m.test(read(page)));
  assert.deepEqual(odd, []);
});
