import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { generateFernetKey } from "#platform/crypto/fernet.ts";
import { runProgram, startProgram } from "../app/program.ts";
import { type Api, createApi } from "../support/api.ts";
import { createIdentity } from "../support/certificates.ts";
import { freePort } from "../support/server.ts";
import { clowderFile, startServices } from "./support/clowder.ts";

async function untilAnswering(url: string): Promise<void> {
  const limit = Date.now() + 120_000;
  while (!(await fetch(url).catch(() => undefined))?.ok) {
    assert.ok(Date.now() < limit, `${url} does not answer`);
    await sleep(100);
  }
}

async function upload(api: Api, bytes: string): Promise<void> {
  const repository = await api.post("repositories/file/file/", { name: "r", autopublish: true });
  const form = new FormData();
  form.set("file", new Blob([bytes]));
  form.set("relative_path", "f");
  form.set("repository", repository.pulp_href);
  await api.done(await api.post("content/file/files/", form));
  const distribution = { name: "d", base_path: "d", repository: repository.pulp_href };
  await api.done(await api.post("distributions/file/file/", distribution));
}

test("the server finds its services in the file that Clowder writes", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "deckle-clowder-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { client, services } = await startServices(t, folder);
  const { s3 } = services;
  const { file, bucket } = await clowderFile(folder, services);
  await writeFile(join(folder, "key"), generateFernetKey());
  const environment = {
    ACG_CONFIG: file,
    PULP_DEPLOY_ROOT: folder,
    PULP_DB_ENCRYPTION_KEY: join(folder, "key"),
    PULP_CACHE_ENABLED: "true",
    PULP_WORKER_TYPE: "redis",
    PULP_REDIRECT_TO_OBJECT_STORAGE: "false",
  };
  const manage = (words: readonly [string, ...string[]], more = {}) =>
    runProgram(t, ["manager", ...words], { environment: { ...environment, ...more } });

  await t.test("commands do", async () => {
    assert.equal((await manage(["migrate", "--noinput"])).code, 0);
    const { code } = await manage(["reset-admin-password", "--password", "of the test"]);
    assert.equal(code, 0);
  });

  await t.test("and tell where values come from, without the secrets", async () => {
    const { out } = await manage(["settings", "inspect", "DATABASES"]);
    assert.deepEqual(JSON.parse(out).sources, [file]);
    assert.doesNotMatch(out, /a password that looks/);
  });

  await t.test("API, content app and worker do", async () => {
    const [apiPort, contentPort] = [await freePort(), await freePort()];
    startProgram(t, ["api", "-b", `127.0.0.1:${apiPort}`], environment);
    startProgram(t, ["content", "-b", `127.0.0.1:${contentPort}`], environment);
    startProgram(t, ["worker"], environment);
    const apiUrl = `http://127.0.0.1:${apiPort}`;
    await untilAnswering(`${apiUrl}/pulp/api/v3/status/`);
    await untilAnswering(`http://127.0.0.1:${contentPort}/pulp/content/`);
    const api = createApi({ apiUrl, username: "admin", password: "of the test" });

    await upload(api, "of the bucket");

    const got = await fetch(`http://127.0.0.1:${contentPort}/pulp/content/d/f`);
    assert.deepEqual([got.status, await got.text()], [200, "of the bucket"]);
    const digest = createHash("sha256").update("of the bucket").digest("hex");
    const list = await (await fetch(`${s3.url}/${bucket}?list-type=2`)).text();
    assert.ok(list.includes(`artifact/${digest.slice(0, 2)}/${digest.slice(2)}`), list);
    assert.equal((await api.get("status/")).redis_connection.connected, true);
    const { rows } = await client.query(
      "select bool_and(ssl) as ssl, count(*)::int as count from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'pulp'",
    );
    assert.ok(rows[0].ssl && rows[0].count >= 3, JSON.stringify(rows));
  });

  await t.test("what is set by hand wins", async () => {
    const nobody = String(await freePort());
    const { code, err } = await manage(["showmigrations"], {
      PULP_DATABASES__default__PORT: nobody,
    });
    assert.equal(code, 1);
    assert.match(err, new RegExp(`ECONNREFUSED.*${nobody}`));
  });

  await t.test("a server that its authority does not know is refused", async () => {
    const other = { ...services, ca: createIdentity("Another CA").cert };
    const { file: wrong } = await clowderFile(folder, other);
    const { code, err } = await manage(["showmigrations"], { ACG_CONFIG: wrong });
    assert.equal(code, 1);
    assert.match(err, /The database cannot be reached: .*certificate/);
  });

  await t.test("a file that cannot be used stops the start", async () => {
    await writeFile(file, '{"database": {"hostname": 3}}');
    const { code, err } = await manage(["showmigrations"]);
    assert.equal(code, 1);
    assert.match(err, /cdappconfig\.json of ACG_CONFIG cannot be used: database\.\w+ must/);
  });
});
