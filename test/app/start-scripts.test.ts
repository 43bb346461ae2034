import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { verifyPassword } from "#core/access/passwords.ts";
import { createDatabase } from "../support/database.ts";
import { createSite } from "./manager-site.ts";
import { startProgram } from "./program.ts";

test("wait_on_postgres ends when the database answers, and gives up", async (t) => {
  const { manage } = await createSite(t);

  const there = await manage(["wait_on_postgres"]);
  assert.deepEqual([there.code, there.out], [0, "Postgres started.\n"]);
  const away = await manage(["wait_on_postgres", "--tries", "2", "--pause", "0"], "", {
    DATABASE_URL: "postgresql://nobody:secret@127.0.0.1:9/none",
  });
  assert.equal(away.code, 1);
  assert.match(
    away.err,
    /^Try 2 of 2: The database cannot be reached: .*\nUnable to reach postgres\.\n$/m,
  );
  assert.doesNotMatch(away.err, /secret/);
});

test("wait_on_database_migrations ends when somebody has migrated", async (t) => {
  const { manage, query } = await createSite(t);
  const { url: neighbour } = await createDatabase(t);
  const empty = `e_${randomUUID().replaceAll("-", "")}`;
  await query(`create database ${empty}`);
  const url = neighbour.replace(/\/\w+$/, `/${empty}`);
  try {
    const done = await manage(["wait_on_database_migrations"]);
    assert.deepEqual([done.code, done.out], [0, "Database migrated!\n"]);
    const waiting = startProgram(t, ["manager", "wait_on_database_migrations", "--pause", "1"], {
      DATABASE_URL: url,
    });
    await waiting.says(/Database migration in progress\. [1-9]\d* are missing\./);
    await manage(["migrate"], "", { DATABASE_URL: url });
    assert.equal(await waiting.ended, 0);
  } finally {
    await query(`drop database ${empty} with (force)`);
  }
});

/** What sets the first password, and asks whether it is that of the administrator now. */
async function initSite(t: TestContext) {
  const { manage, query, folder } = await createSite(t);
  const set = (more: Readonly<Record<string, string>>, ...words: readonly string[]) =>
    manage(["set_init_password", ...words], "", more);
  const isNow = async (password: string) => {
    const [row] = await query("select password from app_user where username = 'admin'");
    return row !== undefined && verifyPassword(password, String(row.password));
  };
  return { set, isNow, folder };
}

test("set_init_password: the default is for the first time only", async (t) => {
  const { set, isNow } = await initSite(t);

  assert.match((await set({})).out, /No password is given/);
  const first = await set({ PULP_DEFAULT_ADMIN_PASSWORD: "one" });
  assert.equal(first.code, 0, first.err);
  assert.ok(await isNow("one"));
  assert.match((await set({ PULP_DEFAULT_ADMIN_PASSWORD: "two" })).out, /keeps its password/);
  assert.ok(await isNow("one"));
});

test("set_init_password: the variable and the file count every time", async (t) => {
  const { set, isNow, folder } = await initSite(t);

  await set({ PULP_DEFAULT_ADMIN_PASSWORD: "two", PULP_ADMIN_PASSWORD: "three" });
  assert.ok(await isNow("three"));
  const file = join(folder, "password");
  await writeFile(file, "four\n");
  const told = await set({}, "--file", file);
  assert.doesNotMatch(told.out + told.err, /four/);
  assert.ok(await isNow("four"));
  const missing = await set({}, "--file", join(folder, "none"));
  assert.deepEqual([missing.code, missing.out], [1, ""]);
});

test("route_paths lists what plugins serve outside the root of the API", async (t) => {
  const { manage } = await createSite(t);
  const paths = async (more: Readonly<Record<string, string>>) => {
    const { code, out, err } = await manage(["route_paths", "shop"], "", more);
    assert.equal(code, 0, err);
    return JSON.parse(out) as readonly { readonly path: string }[];
  };

  const routes = await paths({});
  const registry = routes.find(({ path }) => path === "/v2/");
  assert.deepEqual(registry, {
    ...{ name: "shop-container-v2", path: "/v2/", targetPort: "api-24817" },
    serviceName: "shop-api-svc",
  });
  const all = routes.map(({ path }) => path).sort();
  assert.deepEqual(all, ["/extensions/v2/", "/pypi/", "/token/", "/v2/"]);
  const wider = await paths({ PULP_FLATPAK_INDEX: "true" });
  assert.ok(wider.some(({ path }) => path === "/index/"));
  const moved = await paths({
    PULP_PYPI_PATH_PREFIX: "/api/pypi/",
    PULP_ENABLED_PLUGINS: "['file', 'python']",
  });
  assert.deepEqual(
    moved.map(({ path }) => path),
    ["/api/pypi/"],
  );
  assert.match((await manage(["route_paths"])).err, /Give the name of the deployment/);
});
