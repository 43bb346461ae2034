import assert from "node:assert/strict";
import { test } from "node:test";
import { createIndex } from "./index-world.ts";

const file = (name: string, version: string, more = {}) => ({
  ...{ filename: `${name}-${version}.tar.gz`, name, version },
  more: { summary: `${name}'s <summary>\u0007`, author_email: "Ann <a@b.example>, junk", ...more },
});
const all = (text: string, tag: string): readonly string[] =>
  [...text.matchAll(new RegExp(`<${tag}[^>]*>([^<]*)</${tag}>`, "g"))].map(
    ([, inside = ""]) => inside,
  );

test("feeds tell the newest releases and projects, escaped", async (t) => {
  const index = await createIndex(t);
  await index.add(file("Alpha", "1.0"));
  await index.add(file("Beta", "1.0"), file("Alpha", "1.1"));
  const wheel = (build: string) => ({
    ...file("Alpha", "1.1"),
    filename: `Alpha-1.1${build}-py3-none-any.whl`,
  });
  await index.add(wheel("-2"), wheel("-1"));

  const updates = await index.get("rss/updates.xml");
  const packages = await index.get("rss/packages.xml");
  const releases = await index.get("rss/project/ALPHA/releases.xml");
  const missing = await index.get("rss/project/gamma/releases.xml");

  assert.equal(updates.status, 200, updates.text + index.api.logged.join("\n"));
  assert.equal(updates.headers["content-type"], "application/rss+xml; charset=utf-8");
  assert.equal(updates.headers["cache-control"], "max-age=600, public");
  assert.ok(updates.headers.etag);
  assert.deepEqual(all(updates.text, "title"), [
    "Recent updates",
    "Alpha 1.1",
    "Beta 1.0",
    "Alpha 1.0",
  ]);
  const alpha = "https://index.example/pypi/team/index/pypi/alpha/1.1/json";
  assert.equal(all(updates.text, "guid")[0], `${alpha}#builds=1,2`);
  assert.equal(all(updates.text, "link")[1], alpha);
  assert.equal(all(updates.text, "description")[1], "Alpha&#x27;s &lt;summary&gt;");
  assert.equal(all(updates.text, "author")[0], "a@b.example");
  assert.match(all(updates.text, "pubDate")[0] ?? "", /^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/);
  assert.deepEqual(all(packages.text, "title"), [
    "Newest packages",
    "Beta added to index",
    "Alpha added to index",
  ]);
  assert.deepEqual(all(releases.text, "title").slice(1), ["Alpha 1.1", "Alpha 1.0"]);
  assert.deepEqual([missing.status, missing.text], [404, "gamma does not exist."]);
});
