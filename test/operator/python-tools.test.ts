import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { runOperator } from "./support/operator.ts";
import { type Asked, page, type Said, standIn } from "./support/stand-in.ts";

const METADATA = "Metadata-Version: 2.1\nName: a\n";
const SHA256 = createHash("sha256").update(METADATA).digest("hex");

const DOMAINS = page([
  { name: "team", pulp_labels: {} },
  { name: "source", pulp_labels: { contentsources: "true" } },
]);

const words = (tool: string, url: string, ...more: readonly string[]) => [
  ...[tool, "--base-url", url, "--user", "a", "--password", "b", ...more],
];

/** An index with the links that are given, and what their metadata answer. */
const indexOf =
  (links: string, metadata: (path: string) => Said) =>
  ({ path }: Asked): Said => {
    if (path.startsWith("/pulp/default/api/v3/domains/")) return DOMAINS;
    if (path.startsWith("/pulp/team/api/v3/distributions/")) {
      return page([{ name: "idx", base_url: "https://elsewhere.example/pypi/team/idx/" }]);
    }
    if (path === "/pypi/team/idx/simple/") return { text: '<a href="a/">a</a>' };
    if (path === "/pypi/team/idx/simple/a/")
      return { text: `<!DOCTYPE html><body>${links}</body>` };
    return path.endsWith(".metadata") ? metadata(path) : { status: 404 };
  };

const link = (file: string, attribute: string) =>
  `<a href="/files/${file}#sha256=0" ${attribute}>${file}</a><br>`;

test("wheels without metadata, and metadata that are not what they should be, are found", async (t) => {
  const good = `data-core-metadata="sha256=${SHA256}"`;
  const links = [
    link("a-1-py3-none-any.whl", good),
    link("a-2-py3-none-any.whl", ""),
    link("a-3-py3-none-any.whl", good),
    link("a-1.tar.gz", ""),
  ].join("");
  const server = await standIn(
    t,
    indexOf(links, (path) => ({ text: path.includes("a-3") ? `${METADATA}x` : METADATA })),
  );

  const first = await runOperator(words("verify-python-metadata", server.url));
  assert.equal(first.code, 1);
  assert.equal(first.out, "3 wheels, 1 downloads, 1 problems\n");
  assert.equal(first.err, "team/idx/a/a-2-py3-none-any.whl: there is no data-core-metadata\n");
  const all = await runOperator(words("verify-python-metadata", server.url, "--thorough"));
  assert.equal(all.out, "3 wheels, 2 downloads, 2 problems\n");
  assert.match(all.err, /a-3-py3-none-any\.whl: its metadata have another checksum$/m);
  const other = await runOperator(
    words("verify-python-metadata", server.url, "--domain", "source"),
  );
  assert.deepEqual([other.code, other.out], [0, "0 wheels, 0 downloads, 0 problems\n"]);
});

test("an answer of 500 is tried three times more, one of 4xx is not", async (t) => {
  let failures = 3;
  const server = await standIn(t, ({ method, path }) => {
    if (path.startsWith("/pulp/default/api/v3/domains/")) return DOMAINS;
    if (method === "GET" && path.includes("repositories")) {
      return page([
        { name: "one", pulp_href: "/one/" },
        { name: "two", pulp_href: "/two/" },
      ]);
    }
    if (path === "/task/") return { json: { name: "repair", state: "completed" } };
    if (path.startsWith("/two/")) return { status: 403, json: { detail: "No." } };
    failures -= 1;
    return failures >= 0 ? { status: 502 } : { status: 202, json: { task: "/task/" } };
  });

  const { code, out, err } = await runOperator(words("repair-python-metadata", server.url));
  assert.equal(code, 1);
  assert.equal(out, "1 repositories repaired, 1 failed\n");
  assert.match(err, /^team\/one: repaired\.$/m);
  assert.match(
    err,
    /^team\/two: POST \/two\/repair_metadata\/ answered 403: \{"detail":"No\."\}$/m,
  );
  const posts = server.asked.filter(({ method }) => method === "POST").map(({ path }) => path);
  assert.deepEqual(posts, [
    ...Array.from({ length: 4 }, () => "/one/repair_metadata/"),
    "/two/repair_metadata/",
  ]);
});
