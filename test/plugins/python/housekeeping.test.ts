import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { deleteDomain } from "#core/domains/commands.ts";
import { pythonPackage } from "#plugins/python/content.ts";
import { saveUnits } from "#sdk";
import type { TestApi } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { createTenant, idOf, inDomain } from "../../support/tenants.ts";
import { wheel } from "./distributions.ts";
import { createPackage, createPythonApi, made, REMOTES, REPOSITORIES } from "./support.ts";

/** Files of packages, and whether they are stored. */
async function files({ ctx }: TestApi): Promise<Readonly<Record<string, boolean>>> {
  const { rows } = await sql<{ path: string; is_stored: boolean }>`
    select relative_path as path, artifact is not null as is_stored
    from content_artifact order by 1`.execute(ctx.db);
  return Object.fromEntries(rows.map(({ path, is_stored }) => [path, is_stored]));
}

const reclaim = async (api: TestApi): Promise<void> => {
  const json = { repo_hrefs: ["*"] };
  const task = await endedTask(api, await api.post("repositories/reclaim_space/", json));
  assert.equal(task.state, "completed", JSON.stringify(task.error));
};

test("each file of a wheel is reclaimed by itself: what a remote has, and nothing else", async (t) => {
  const api = await createPythonApi(t);
  const { ctx, domain } = api;
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  const file = wheel();
  const beside = `${file.filename}.metadata`;
  const { created_resources } = await createPackage(api, file, { repository });
  await reclaim(api);
  assert.deepEqual(await files(api), { [file.filename]: true, [beside]: true });

  const remote = await made(api, REMOTES, { name: "r", url: "http://x.example/" });
  const offer = async (path: string) => {
    const { rows } = await sql<Record<string, unknown>>`
      select * from python_package where domain = ${domain.num}`.execute(ctx.db);
    const source = { remote: idOf(remote.pulp_href), url: `http://x.example/${path}` };
    const { id: _, domain: _2, ...row } = rows[0] ?? {};
    const units = [{ row, files: [{ relativePath: path, artifact: null, source }] }];
    await saveUnits(ctx, { domain, type: pythonPackage, units });
  };
  await offer(file.filename);
  await reclaim(api);
  assert.deepEqual(await files(api), { [file.filename]: false, [beside]: true });
  await offer(beside);
  await reclaim(api);
  assert.deepEqual(await files(api), { [file.filename]: false, [beside]: false });
  const unit = (await api.get(created_resources.at(-1) ?? "")).body;
  assert.deepEqual([unit.artifact, unit.sha256], [null, file.sha256]);

  await createPackage(api, file);
  assert.deepEqual(await files(api), { [file.filename]: true, [beside]: true });
});

test("a domain goes with its packages, and what is attested about them", async (t) => {
  const api = await createPythonApi(t, { DOMAIN_ENABLED: true });
  const { domain, hrefs } = await createTenant(api, "team");
  const { db } = api.ctx;
  const kept = ["content/python/packages", "content/python/provenance", "content/python/yanks"];
  for (const path of kept) assert.equal((await api.get(hrefs.get(path) ?? "")).status, 200, path);
  for (const table of ["distribution", "publication", "repository", "alternate_content_source"])
    await sql`delete from ${sql.table(table)} where domain = ${domain.num}`.execute(db);
  for (const table of ["remote", "upload", "composite_guard_member", "content_guard"])
    await sql`delete from ${sql.table(table)} where domain = ${domain.num}`.execute(db);

  await deleteDomain({ ctx: api.ctx, signal: new AbortController().signal }, domain);

  for (const table of ["python_package", "python_provenance", "python_yank", "content"]) {
    const { rows } = await sql`select from ${sql.table(table)}
      where domain = ${domain.num}`.execute(db);
    assert.equal(rows.length, 0, table);
  }
  assert.equal((await api.get(inDomain("team", "content/python/packages/"))).status, 404);
});
