import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { generateFernetKey } from "#platform/crypto/fernet.ts";
import { startEmbedded } from "#platform/db/embedded.ts";
import { freePort } from "../support/server.ts";
import { runProgram, startProgram, temporaryFolder } from "./program.ts";

const LIMIT_MS = 120_000;

const statusOf = async (url: string, method = "GET"): Promise<number> =>
  fetch(url, { method }).then(
    ({ status }) => status,
    () => 0,
  );

async function until(url: string, status: number): Promise<void> {
  const limit = Date.now() + LIMIT_MS;
  while ((await statusOf(url)) !== status) {
    assert.ok(Date.now() < limit, `${url} is not ${status}`);
    await sleep(50);
  }
}

test("every role tells whether it lives and whether it is ready", async (t) => {
  const folder = await temporaryFolder(t);
  const cluster = { folder: join(folder, "postgres"), settings: { fsync: "off" } };
  await using stack = new AsyncDisposableStack();
  let database = await startEmbedded({ ...cluster, port: await freePort() });
  stack.defer(() => database.stop());
  const port = Number(new URL(database.url("postgres")).port);
  const keyFile = join(folder, "key");
  writeFileSync(keyFile, generateFernetKey());
  const [api, content, worker] = [await freePort(), await freePort(), await freePort()];
  const environment = {
    ...{ DATABASE_URL: database.url("postgres"), PULP_DEPLOY_ROOT: folder },
    ...{ PULP_DB_ENCRYPTION_KEY: keyFile, PULP_WORKER_PROBE_BIND: `127.0.0.1:${worker}` },
  };
  assert.equal((await runProgram(t, ["manager", "migrate"], { environment })).code, 0);
  const programs = [
    startProgram(t, ["api", "-b", `127.0.0.1:${api}`], environment),
    startProgram(t, ["content", "-b", `127.0.0.1:${content}`], environment),
    startProgram(t, ["worker"], environment),
  ];
  const roots = [
    `http://127.0.0.1:${api}/pulp/api/v3`,
    `http://127.0.0.1:${content}`,
    `http://127.0.0.1:${worker}`,
  ];
  const all = (path: string, status: number) =>
    Promise.all(roots.map((root) => until(`${root}${path}`, status)));

  await all("/readyz/", 200);
  await all("/livez/", 200);
  for (const root of roots.slice(1)) {
    assert.equal(await statusOf(`${root}/livez`, "HEAD"), 200);
    assert.equal(await statusOf(`${root}/readyz/`, "POST"), 405);
    assert.equal(await statusOf(`${root}/readyz/more`), 404);
  }

  await database.stop();
  await all("/readyz/", 503);
  await all("/livez/", 200);

  database = await startEmbedded({ ...cluster, port });
  await all("/readyz/", 200);

  for (const { child } of programs) child.kill("SIGTERM");
  assert.deepEqual(await Promise.all(programs.map(({ ended }) => ended)), [0, 0, 0]);
});
