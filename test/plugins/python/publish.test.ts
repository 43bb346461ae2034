import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import type { TestApi } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { sdist, wheel } from "./distributions.ts";
import { createPythonApi, made, modify, PUBLICATIONS, REPOSITORIES, uploaded } from "./support.ts";

/** Pages of the newest publication, by path. */
async function pages({ ctx, domain }: TestApi): Promise<Readonly<Record<string, string>>> {
  const { rows } = await sql<{ path: string; sha256: string }>`
    select pp.relative_path as path, encode(a.sha256, 'hex') as sha256
    from publication_path pp join artifact a on a.domain = pp.domain and a.id = pp.artifact
    where pp.publication = (select id from publication where complete order by created desc limit 1)`.execute(
    ctx.db,
  );
  const read = rows.map(async ({ path, sha256 }) => {
    const object = `artifact/${sha256.slice(0, 2)}/${sha256.slice(2)}`;
    const store = ctx.storage(domain);
    await using file = await store.open(object);
    return [path, (await file.read(0, file.sizeBytes)).toString()] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

test("a publication has a page for each project, and one for all", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  const files = [
    wheel(),
    sdist(),
    sdist({ name: "Other.Thing", version: "1.0+local" }),
    wheel({ version: "0.2", headers: ["Requires-Python: >=3"] }),
  ];
  const units = [];
  for (const file of files) units.push((await uploaded(api, file)).pulp_href);
  await modify(api, repository, { add_content_units: units });

  const task = await endedTask(api, await api.post(PUBLICATIONS, { repository }));

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  const published = await pages(api);
  assert.deepEqual(Object.keys(published).sort(), [
    ...["simple/index.html", "simple/other-thing/index.html", "simple/shelf-reader/index.html"],
  ]);
  const links = (path: string): readonly string[] =>
    [...(published[path] ?? "").matchAll(/<a href="([^"]*)"[^>]*>([^<]*)<\/a>/g)].map(
      ([, href, text]) => `${text} → ${href}`,
    );
  assert.deepEqual(links("simple/index.html"), [
    "Other.Thing → other-thing/",
    "shelf-reader → shelf-reader/",
  ]);
  const [first, second, third, fourth] = files;
  assert.deepEqual(links("simple/shelf-reader/index.html"), [
    `${first?.filename} → ../../${first?.filename}#sha256=${first?.sha256}`,
    `${second?.filename} → ../../${second?.filename}#sha256=${second?.sha256}`,
    `${fourth?.filename} → ../../${fourth?.filename}#sha256=${fourth?.sha256}`,
  ]);
  assert.deepEqual(links("simple/other-thing/index.html"), [
    `${third?.filename} → ../../other_thing-1.0%2Blocal.tar.gz#sha256=${third?.sha256}`,
  ]);
});

test("a repository publishes each of its versions by itself where it shall", async (t) => {
  const api = await createPythonApi(t);
  const json = { name: "r", autopublish: true };
  const { pulp_href: repository } = await made(api, REPOSITORIES, json);
  const unit = (await uploaded(api, sdist())).pulp_href;

  const task = await modify(api, repository, { add_content_units: [unit] });

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  const { results } = (await api.get(PUBLICATIONS)).body;
  assert.equal(results.length, 1);
  assert.equal(results[0].repository_version, `${repository}versions/1/`);
  assert.ok(task.created_resources.includes(results[0].pulp_href));
});

test("more projects than one batch of pages are published whole", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  const units = [];
  for (let index = 0; index < 120; index += 1)
    units.push((await uploaded(api, sdist({ name: `p${index}` }))).pulp_href);
  await modify(api, repository, { add_content_units: units });

  const task = await endedTask(api, await api.post(PUBLICATIONS, { repository }));

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.equal(Object.keys(await pages(api)).length, 121);
});
