import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createDomain, storeOptions, updateDomain } from "#core/domains/commands.ts";
import { migrateStore } from "#core/domains/migrate.ts";
import { FILE_SYSTEM } from "#core/domains/types.ts";
import { eventually } from "../support/eventually.ts";
import { createJob } from "../support/job.ts";
import { createSite, type Site } from "./site.ts";

const CP = "/pulp/content/";

const storeAt = (location: string) => ({
  storageClass: FILE_SYSTEM,
  options: storeOptions(FILE_SYSTEM, { location }),
});

type Domain = Site["domain"];

/** A domain with its own root, and a distribution at `d` that serves `f`. */
async function addTenant(site: Site, name: string, bytes: string) {
  const { ctx, rows } = site;
  const id = await createDomain(ctx, { name, store: storeAt(join(site.mediaRoot, name)) });
  const domain = await ctx.db
    .selectFrom("domain")
    .select(["num", "id", "name"])
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  const repo = await rows.repository("doc.doc", domain);
  const version = await rows.version(repo, 1, [{ path: "f", bytes }]);
  await rows.publication(version.id, {}, domain);
  await rows.distribution("d", { repository: repo.id }, domain);
  return domain;
}

const createTenants = async (t: TestContext) => {
  const site = await createSite(t, { settings: { DOMAIN_ENABLED: true } });
  await site.rows.published("d", [{ path: "f", bytes: "default" }]);
  return {
    site,
    red: await addTenant(site, "red", "red"),
    blue: await addTenant(site, "blue", "blue"),
    status: async (path: string) => (await site.get(CP + path)).status,
    text: async (path: string) => (await site.get(CP + path)).body.toString(),
  };
};

test("paths begin with the domain, and each serves its own", async (t) => {
  const { site, status, text } = await createTenants(t);

  assert.equal(await status(""), 404);
  assert.equal((await site.get("/pulp/content")).status, 404);
  const root = await site.get(`${CP}red`);
  assert.deepEqual([root.status, root.headers.location], [301, `${CP}red/`]);
  assert.match(await text("red/"), /Index of \/pulp\/content\/red\/.*href="\.\/d\/"/s);
  assert.equal(await status("nobody/"), 404);
  assert.equal(await status("nobody"), 404);
  assert.equal(await status("d/f"), 404);
  for (let round = 0; round < 2; round += 1) {
    for (const name of ["default", "red", "blue"]) assert.equal(await text(`${name}/d/f`), name);
  }
  assert.match(await text("blue/d/"), /Index of \/pulp\/content\/blue\/d\//);
  assert.equal(await status("red/d/f/g"), 404);
  assert.equal((await site.head(`${CP}red/`)).status, 200);
});

test("each domain says for itself whether guarded distributions are listed", async (t) => {
  const { site, red, blue, text } = await createTenants(t);
  const guard = async (domain: Domain) => {
    const id = await site.rows.guard("core.header");
    const change = site.ctx.db.updateTable("content_guard").set({ domain: domain.num });
    await change.where("id", "=", id).execute();
    await site.rows.distribution("secret", { guard: id }, domain);
  };
  await guard(red);
  await guard(blue);

  await updateDomain(site.ctx, red, { hidesGuarded: true });

  assert.doesNotMatch(await text("red/"), /secret/);
  assert.match(await text("blue/"), /secret/);
});

test("a domain that is renamed or moved is noticed by a process that remembers it", async (t) => {
  const { site, red, status, text } = await createTenants(t);
  const beside = await createSite(t, { beside: site, settings: { DOMAIN_ENABLED: true } });
  const other = async (path: string) => (await beside.get(CP + path)).body.toString();
  assert.equal(await other("red/d/f"), "red");
  assert.equal(await text("red/d/f"), "red");

  await updateDomain(site.ctx, red, { name: "crimson" });

  await eventually(async () => assert.equal((await beside.get(`${CP}red/d/f`)).status, 404));
  await eventually(async () => assert.equal(await status("red/d/f"), 404));
  assert.equal(await other("crimson/d/f"), "red");
});

test("content is there before, while and after its domain moves", async (t) => {
  const { site, red, text } = await createTenants(t);
  const [old, next] = [join(site.mediaRoot, "red"), join(site.mediaRoot, "next")];
  const beside = await createSite(t, { beside: site, settings: { DOMAIN_ENABLED: true } });
  const state = { isDone: false };
  const reader = (async () => {
    do assert.equal(await text("red/d/f"), "red");
    while (!state.isDone);
  })();

  const job = createJob({ ...site, caller: { ...site.caller, domain: red } });
  await migrateStore(job, red, storeAt(next));
  state.isDone = true;
  await reader;
  await rm(old, { recursive: true });

  const { body } = await beside.get(`${CP}red/d/f`);
  assert.equal(body.toString(), "red");
  assert.equal(await text("red/d/f"), "red");
});
