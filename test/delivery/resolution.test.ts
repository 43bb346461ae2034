import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createSite } from "./site.ts";

const CP = "/pulp/content/";
const text = ({ body }: { readonly body: Buffer }) => body.toString();

test("a repository: the newest publication of its highest version", async (t) => {
  const site = await createSite(t);
  const repo = await site.rows.repository();
  const one = await site.rows.version(repo, 1, [{ path: "f", bytes: "one" }], 2);
  const two = await site.rows.version(repo, 2, [{ path: "f", bytes: "two" }], 3);
  await site.rows.publication(two.id, { layout: "rows" });
  await site.rows.publication(two.id);
  await site.rows.publication(one.id);
  await site.rows.version(repo, 3, [{ path: "f", bytes: "three" }]);
  await site.rows.distribution("d", { repository: repo.id });

  assert.equal(text(await site.get(`${CP}d/f`)), "two");
});

test("a version: its newest publication, or nothing", async (t) => {
  const site = await createSite(t);
  const repo = await site.rows.repository();
  const one = await site.rows.version(repo, 1, [{ path: "f", bytes: "one" }], 2);
  const two = await site.rows.version(repo, 2, [{ path: "f", bytes: "two" }]);
  await site.rows.publication(one.id);
  await site.rows.distribution("d1", { version: one.id });
  await site.rows.distribution("d2", { version: two.id });

  assert.equal(text(await site.get(`${CP}d1/f`)), "one");
  assert.equal((await site.get(`${CP}d2/f`)).status, 404);
  assert.equal((await site.get(`${CP}d2/f`)).body.toString(), "404: Not Found");
});

test("a publication: it", async (t) => {
  const site = await createSite(t);
  const { version, repo } = await site.rows.published("d", [{ path: "f", bytes: "one" }]);
  const artifact = await site.rows.artifact("generated");
  const paths = { meta: { artifact } };
  const old = await site.rows.publication(version.id, { layout: "rows", paths });
  await site.rows.publication(version.id);
  await site.rows.distribution("p", { publication: old });

  assert.equal(text(await site.get(`${CP}p/meta`)), "generated");
  assert.equal((await site.get(`${CP}p/f`)).status, 404);
  assert.equal(repo.type, "doc.doc");
});

test("an incomplete publication or version never", async (t) => {
  const site = await createSite(t);
  const { version, repo } = await site.rows.published("d", [{ path: "f", bytes: "one" }]);
  const draft = await site.rows.publication(version.id, { layout: "rows" });
  await site.ctx.db
    .updateTable("publication")
    .set({ complete: false })
    .where("id", "=", draft)
    .execute();
  await site.rows.distribution("p", { publication: draft });

  assert.equal(text(await site.get(`${CP}d/f`)), "one");
  assert.equal((await site.get(`${CP}p/f`)).status, 404);
  assert.equal(repo.type, "doc.doc");
});

test("a version-serving type: the latest complete version", async (t) => {
  const site = await createSite(t);
  const repo = await site.rows.repository("pkg.pkg");
  const one = await site.rows.version(repo, 1, [{ path: "f", bytes: "one" }], 2);
  await site.rows.version(repo, 2, [{ path: "f", bytes: "two" }]);
  const draft = await site.rows.version(repo, 3, [{ path: "g", bytes: "three" }]);
  await site.ctx.db
    .updateTable("repository_version")
    .set({ complete: false })
    .where("id", "=", draft.id)
    .execute();
  await site.rows.distribution("latest", { type: "pkg.pkg", repository: repo.id });
  await site.rows.distribution("first", { type: "pkg.pkg", version: one.id });

  assert.equal(text(await site.get(`${CP}latest/f`)), "two");
  assert.equal(text(await site.get(`${CP}first/f`)), "one");
  assert.equal((await site.get(`${CP}latest/g`)).status, 404);
});

test("published files before units of the same path; of units the newest member", async (t) => {
  const site = await createSite(t);
  const { version } = await site.rows.published("d", [{ path: "f", bytes: "unit" }]);
  const artifact = await site.rows.artifact("generated");
  const both = await site.rows.publication(version.id, { paths: { f: { artifact } } });
  await site.rows.distribution("p", { publication: both });
  const repo = await site.rows.repository("pkg.pkg");
  await site.rows.version(repo, 1, [
    { path: "f", bytes: "newer", at: "2026-02-01T00:00:00Z" },
    { path: "f", bytes: "older", at: "2026-01-01T00:00:00Z" },
  ]);
  await site.rows.distribution("v", { type: "pkg.pkg", repository: repo.id });

  assert.equal(text(await site.get(`${CP}p/f`)), "generated");
  assert.equal(text(await site.get(`${CP}v/f`)), "newer");
  assert.ok(site.logged.some((line) => line.includes("2 units share a path")));
});

test("with nested base paths the longest", async (t) => {
  const site = await createSite(t);
  await site.rows.published("a", [{ path: "b/f", bytes: "outer" }]);
  const repo = await site.rows.repository();
  const version = await site.rows.version(repo, 1, [{ path: "f", bytes: "inner" }]);
  await site.rows.publication(version.id);
  await site.rows.distribution("a/b", { repository: repo.id, legacy_overlap: true });

  assert.equal(text(await site.get(`${CP}a/b/f`)), "inner");
});

test("superseded publications during their grace, the newest first", async (t) => {
  const site = await createSite(t);
  const { id, repo, publication } = await site.rows.published("d", [
    { path: "f", bytes: "1" },
    { path: "g", bytes: "1" },
  ]);
  const two = await site.rows.version(repo, 2, [{ path: "g2", bytes: "2" }], 3);
  const artifact = await site.rows.artifact("two");
  const second = await site.rows.publication(two.id, {
    layout: "rows",
    paths: { f: { artifact } },
  });
  const three = await site.rows.version(repo, 3, []);
  await site.rows.publication(three.id);
  const keep = (of: string, expires: string, created: string) =>
    site.ctx.db
      .insertInto("distributed_publication")
      .values({ distribution: id, publication: of, expires_at: expires, created })
      .execute();
  await site.ctx.db.updateTable("membership").set({ removed: 2 }).where("added", "=", 1).execute();
  await keep(publication, "2100-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
  await keep(second, "2100-01-01T00:00:00Z", "2026-01-02T00:00:00Z");

  assert.equal(text(await site.get(`${CP}d/f`)), "two");
  assert.equal(text(await site.get(`${CP}d/g`)), "1");
  assert.equal((await site.get(`${CP}d/g2`)).status, 404);
  assert.equal((await site.get(`${CP}d/`)).status, 404);
});

test("expired grace is over", async (t) => {
  const site = await createSite(t);
  const { id, repo, publication } = await site.rows.published("d", [{ path: "f", bytes: "1" }]);
  const two = await site.rows.version(repo, 2, []);
  await site.rows.publication(two.id, { layout: "rows" });
  await site.ctx.db
    .insertInto("distributed_publication")
    .values({ distribution: id, publication, expires_at: "2020-01-01T00:00:00Z" })
    .execute();

  assert.equal((await site.get(`${CP}d/f`)).status, 404);
});

describe("slashes and directories", () => {
  test("directories without a slash are redirected, with the path as it was sent", async (t) => {
    const site = await createSite(t);
    await site.rows.published("a/d", [{ path: "x y/z/f", bytes: "1" }]);
    const repo = await site.rows.repository("pkg.pkg");
    await site.rows.version(repo, 1, [{ path: "p/q", bytes: "1" }]);
    await site.rows.distribution("v", { type: "pkg.pkg", repository: repo.id });
    for (const path of ["a", "a/d", "a/d/x%20y", "a/d/x%20y/z", "v", "v/p"]) {
      const answer = await site.get(`${CP}${path}?q=1`);
      assert.equal(answer.status, 301, path);
      assert.equal(answer.headers.location, `${CP}${path}/`, path);
      assert.equal((await site.get(`${CP}${path}/`)).status, 200, path);
    }
    assert.equal((await site.get("/pulp/content")).headers.location, CP);
    for (const path of ["a/x", "a/x/", "a/d/x%20", "a/d/x%20y/z/f/", "v/p/q/", "v/q"])
      assert.equal((await site.get(CP + path)).status, 404, path);
  });

  test("index.html: redirected to in a publication, at once in a version", async (t) => {
    const site = await createSite(t);
    const unit = [{ path: "docs/index.html", bytes: "unit" }];
    const { version, publication: first } = await site.rows.published("d", unit);
    await site.rows.distribution("u", { publication: first });
    const artifact = await site.rows.artifact("generated");
    const publication = await site.rows.publication(version.id, {
      paths: { "docs/index.html": { artifact } },
    });
    await site.rows.distribution("p", { publication });
    const repo = await site.rows.repository("pkg.pkg");
    await site.rows.version(repo, 1, [
      { path: "index.html", bytes: "top" },
      { path: "docs/index.html", bytes: "page" },
    ]);
    await site.rows.distribution("v", { type: "pkg.pkg", repository: repo.id });

    assert.equal((await site.get(`${CP}p/docs`)).status, 301);
    const page = await site.get(`${CP}p/docs/`);
    assert.equal(text(page), "generated");
    assert.equal(page.headers["content-type"], "text/html");
    assert.match(text(await site.get(`${CP}u/docs/`)), /Index of/);
    assert.equal(text(await site.get(`${CP}v/docs`)), "page");
    assert.equal(text(await site.get(`${CP}v/docs/`)), "page");
    assert.equal(text(await site.get(`${CP}v/`)), "top");
  });
});

describe("checkpoints", () => {
  async function world(t: import("node:test").TestContext) {
    const site = await createSite(t);
    const repo = await site.rows.repository();
    const made = ["2026-01-01T10:00:00.900Z", "2026-02-01T10:00:00.100Z"];
    for (const [index, created] of made.entries()) {
      const paths = { meta: { artifact: await site.rows.artifact(`meta ${index}`) } };
      const version = await site.rows.version(repo, index + 1, [{ path: `f${index}`, bytes: "1" }]);
      await site.rows.publication(version.id, { checkpoint: true, created, paths });
    }
    const latest = await site.rows.version(repo, 3, []);
    await site.rows.publication(latest.id, { created: "2026-03-01T10:00:00Z" });
    await site.rows.distribution("c", { repository: repo.id, checkpoint: true });
    return site;
  }

  test("the base path lists them", async (t) => {
    const site = await world(t);
    const body = text(await site.get(`${CP}c/`));
    assert.ok(body.includes(`Index of ${CP}c/`));
    const names = [...body.matchAll(/href="\.\/([^"]+)"/g)].map(([, name]) => name);
    assert.deepEqual(names, ["20260101T100000Z/", "20260201T100000Z/"]);
  });

  test("paths lead to the newest one at or before the moment", async (t) => {
    const site = await world(t);
    assert.equal(text(await site.get(`${CP}c/20260101T100000Z/meta`)), "meta 0");
    assert.equal(text(await site.get(`${CP}c/20260201T100000Z/meta`)), "meta 1");
    assert.equal((await site.get(`${CP}c/20260201T100000Z/f1`)).status, 200);
    assert.equal((await site.get(`${CP}c/20260101T100000Z/f1`)).status, 404);
    assert.match(text(await site.get(`${CP}c/20260101T100000Z/`)), /href="\.\/meta"/);
    const location = async (path: string) => (await site.get(`${CP}c/${path}`)).headers.location;
    assert.equal(await location("20260115T000000Z/a%20b"), `${CP}c/20260101T100000Z/a%20b`);
    assert.equal(await location("20260115T000000Z/"), `${CP}c/20260101T100000Z/`);
    assert.equal(await location("20260301T000000Z/x/"), `${CP}c/20260201T100000Z/x/`);
    assert.equal(await location("20260101T100000Z"), `${CP}c/20260101T100000Z/`);
    assert.equal(await location("20260115T000000Z"), `${CP}c/20260115T000000Z/`);
  });

  test("what names no moment is missing", async (t) => {
    const site = await world(t);
    for (const ts of ["20250101T000000Z", "20990101T000000Z", "20260231T000000Z", "now"])
      assert.equal((await site.get(`${CP}c/${ts}/meta`)).status, 404, ts);
  });
});

describe("domains", () => {
  test("their name is the first segment", async (t) => {
    const site = await createSite(t, { settings: { DOMAIN_ENABLED: true } });
    const other = await site.rows.domain("other");
    await site.rows.published("d", [{ path: "f", bytes: "default" }]);
    const repo = await site.rows.repository("doc.doc", other);
    const version = await site.rows.version(repo, 1, [{ path: "f", bytes: "other" }]);
    await site.rows.publication(version.id, {}, other);
    await site.rows.distribution("d", { repository: repo.id }, other);

    assert.equal(text(await site.get(`${CP}default/d/f`)), "default");
    assert.equal(text(await site.get(`${CP}other/d/f`)), "other");
    assert.equal((await site.get(CP)).status, 404);
    assert.equal((await site.get(`${CP}d/f`)).status, 404);
    assert.equal((await site.get(`${CP}nobody/`)).status, 404);
    assert.equal((await site.get(`${CP}other`)).headers.location, `${CP}other/`);
    assert.match(text(await site.get(`${CP}other/`)), /Index of \/pulp\/content\/other\//);
  });
});
