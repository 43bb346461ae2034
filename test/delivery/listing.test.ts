import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { createSite } from "./site.ts";

const CP = "/pulp/content/";
const text = ({ body }: { readonly body: Buffer }) => body.toString();

const at = "2026-08-02T09:05:00.123456Z";
const line = (name: string, rest: string) =>
  `<a href="./${name}">${name}</a>${" ".repeat(100 - name.length)}${rest}\n`;
const page = (title: string, lines: string, parent = '<a href="../">../</a>\n') =>
  `\n<html>\n<head><title>Index of ${title}</title></head>\n<body bgcolor="white">\n` +
  `<h1>Index of ${title}</h1>\n<hr><pre>${parent}${lines}</pre><hr></body>\n</html>\n`;

test("a directory, byte for byte", async (t) => {
  const site = await createSite(t);
  const remote = await site.rows.remote("http://127.0.0.1:1/");
  const { version } = await site.rows.published("d", [
    { path: "b.iso", bytes: "0123456789ab", at },
    { path: "a/x", bytes: "1", at: "2026-01-01T00:00:00Z" },
    { path: "a/y/z", bytes: "1", at },
    { path: "a.b", bytes: "1", at },
    { path: "B", sources: [{ remote, url: "http://127.0.0.1:1/B", size: 3_400_000 }], at },
  ]);
  assert.equal(version.units.length, 5);
  const answer = await site.get(`${CP}d/`);

  const when = "02-Aug-2026 09:05  ";
  assert.equal(
    text(answer),
    page(
      `${CP}d/`,
      line("B", `${when}3.4 MB`) +
        line("a.b", `${when}1 Byte`) +
        line("a/", when) +
        line("b.iso", `${when}12 Bytes`),
    ),
  );
  assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
  assert.equal(answer.headers.vary, "Accept");
  assert.equal(
    text(await site.get(`${CP}d/a/`)),
    page(`${CP}d/a/`, line("x", "01-Jan-2026 00:00  1 Byte") + line("y/", when)),
  );
});

test("generated files have the date of their publication", async (t) => {
  const site = await createSite(t);
  const repo = await site.rows.repository();
  const version = await site.rows.version(repo, 1, [{ path: "f", bytes: "1", at }]);
  const artifact = await site.rows.artifact("123");
  const created = "2026-09-01T10:00:00Z";
  const { contentArtifact = "" } = version.units[0] ?? {};
  const paths = { meta: { artifact }, "Packages/f": { contentArtifact } };
  await site.rows.publication(version.id, { layout: "rows", paths, created });
  await site.rows.distribution("d", { repository: repo.id });

  assert.equal(
    text(await site.get(`${CP}d/`)),
    page(
      `${CP}d/`,
      line("Packages/", "02-Aug-2026 09:05  ") + line("meta", "01-Sep-2026 10:00  3 Bytes"),
    ),
  );
});

test("names are escaped", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [{ path: "<b>&'\"/f", bytes: "1", at }]);
  const body = text(await site.get(`${CP}d/`));
  assert.ok(body.includes('<a href="./&lt;b&gt;&amp;&#39;&#34;/">'));
  const title = text(await site.get(`${CP}d/${encodeURIComponent("<b>&'\"")}/`));
  assert.ok(title.includes(`Index of ${CP}d/&lt;b&gt;&amp;&#39;&#34;/</h1>`));
});

test("distributions: one level at a time, without the hidden ones", async (t) => {
  const site = await createSite(t);
  const guard = await site.rows.guard("test.open");
  for (const path of ["a/x", "a/y/z", "b", "a-b"]) await site.rows.distribution(path);
  await site.rows.distribution("hidden", { hidden: true });
  await site.rows.distribution("secret/one", { guard });
  const none = (name: string) => line(name, "  ");

  assert.equal(
    text(await site.get(CP)),
    page(CP, none("a-b/") + none("a/") + none("b/") + none("secret/"), ""),
  );
  assert.equal(text(await site.get(`${CP}a/`)), page("a/", none("x/") + none("y/")));
  assert.equal((await site.get(`${CP}hidden`)).status, 301);
  assert.equal((await site.get(`${CP}hidde/`)).status, 404);
  assert.equal((await site.get(`${CP}b/`)).status, 404);

  await site.ctx.db.updateTable("domain").set({ hide_guarded_distributions: true }).execute();
  assert.equal(text(await site.get(CP)).includes("secret"), false);
  assert.equal((await site.get(`${CP}secret/`)).status, 404);
});

test("an empty server has an empty root", async (t) => {
  const site = await createSite(t);
  assert.equal(text(await site.get(CP)), page(CP, "", ""));
});

test("JSON: flat, paged, and only where it is preferred", async (t) => {
  const site = await createSite(t);
  await site.rows.published("d", [
    { path: "a/x", bytes: "12", at },
    { path: "a/y/z", at },
    { path: "b", bytes: "1", at },
  ]);
  const json = { accept: "application/json" };
  const get = async (path: string) => JSON.parse(text(await site.get(`${CP}d/${path}`, json)));
  const date = "2026-08-02T09:05:00.123456+00:00";

  assert.deepEqual(await get(""), {
    path: `${CP}d/`,
    packages: [
      { path: "a/x", size: 2, date },
      { path: "a/y/z", size: null, date },
      { path: "b", size: 1, date },
    ],
    ...{ count: 3, limit: 1000, offset: 0 },
  });
  assert.deepEqual(await get("a/?limit=1"), {
    path: `${CP}d/a/`,
    packages: [{ path: "x", size: 2, date }],
    ...{ count: 2, limit: 1, offset: 0, next_offset: 1 },
  });
  assert.deepEqual((await get("a/?limit=1&offset=1")).packages, [
    { path: "y/z", size: null, date },
  ]);
  assert.deepEqual((await get("a/?offset=9")).packages, []);
  const answer = await site.get(`${CP}d/`, json);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.equal(answer.headers.vary, "Accept");
  assert.equal((await site.get(`${CP}d/a`, json)).status, 301);
  assert.equal(text(await site.get(`${CP}d/b`, json)), "1");
  assert.equal((await site.get(`${CP}d/c/`, json)).status, 404);
  assert.deepEqual(JSON.parse(text(await site.get(CP, json))).packages, [
    { path: "d/", size: null, date: null },
  ]);
});

test("a long directory is read in pages and sent from a file that goes away", async (t) => {
  const site = await createSite(t);
  const { repo, units } = await site.rows.published("d", [{ path: "a", bytes: "1", at }]);
  await site.rows.manyUnits(repo, 12_000, "flat/file%2$s");
  assert.equal(units.length, 1);

  const { body, headers } = await site.get(`${CP}d/flat/`);

  const lines = body
    .toString()
    .split("\n")
    .filter((each) => each.startsWith('<a href="./'));
  assert.equal(lines.length, 12_000);
  assert.deepEqual(lines, [...lines].sort());
  assert.equal(Number(headers["content-length"]), body.length);
  await eventually(async () => assert.deepEqual(await site.incoming(), []));
  assert.equal((await site.head(`${CP}d/flat/`)).headers["content-length"], String(body.length));
  await eventually(async () => assert.deepEqual(await site.incoming(), []));
});
