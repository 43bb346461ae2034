import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { processTree } from "../support/process-tree.ts";
import { runProgram, startEnvironment, startProgram, temporaryFolder } from "./program.ts";

test("one command brings up everything and leaves nothing behind", async (t) => {
  const home = join(await temporaryFolder(t), "home");
  const environment = await startEnvironment(home);
  const api = `http://${environment.DECKLE_API_BIND}/pulp/api/v3/`;
  const first = startProgram(t, ["start"], environment);
  await first.says(/^ready/m);
  const [, password = ""] = /password (\w+) /.exec(first.output.out) ?? [];

  await t.test("both addresses answer, and the password lets in", async () => {
    assert.equal((await fetch(`${api}status/`)).status, 200);
    assert.equal(
      (await fetch(`http://${environment.DECKLE_CONTENT_BIND}/pulp/content/`)).status,
      200,
    );
    const answer = await fetch(`${api}users/`, { headers: basic(password) });
    assert.equal(answer.status, 200);
    assert.equal((await fetch(`${api}users/`, { headers: basic("wrong") })).status, 401);
  });

  await t.test("metrics are on, on both ports", async () => {
    for (const bind of [environment.DECKLE_API_BIND, environment.DECKLE_CONTENT_BIND]) {
      const text = await (await fetch(`http://${bind}/metrics`)).text();
      assert.match(text, /pulp_api_request_duration_milliseconds_bucket/);
    }
  });

  await t.test("all three roles are online", async () => {
    const status = await json(`${api}status/`);
    assert.equal(status.online_api_apps.length, 1);
    assert.equal(status.online_content_apps.length, 1);
    assert.ok(status.online_workers.length >= 2);
  });

  await t.test("secrets are private and not in the output", async () => {
    const secret = (await readFile(join(home, "secret_key"), "utf8")).trim();
    const key = await readFile(join(home, "certs/database_fields.symmetric.key"), "utf8");
    for (const file of ["secret_key", "certs/database_fields.symmetric.key", "database_url"]) {
      assert.equal((await stat(join(home, file))).mode & 0o777, 0o600, file);
    }
    const output = first.output.out + first.output.err;
    assert.equal(output.includes(secret) || output.includes(key.trim()), false);
  });

  const tree = await processTree(first.pid);
  first.child.kill("SIGTERM");
  assert.equal(await first.ended, 0);
  assert.deepEqual(tree.filter(isAlive), []);
});

test("a data folder serves one start at a time, and keeps everything", async (t) => {
  const home = join(await temporaryFolder(t), "home");
  const environment = { ...(await startEnvironment(home)), DECKLE_ADMIN_PASSWORD: "given" };
  const api = `http://${environment.DECKLE_API_BIND}/pulp/api/v3/`;
  const first = startProgram(t, ["start"], environment);
  await first.says(/^ready/m);
  assert.doesNotMatch(first.output.out, /password/);

  await t.test("a second start on the folder is refused with one sentence", async (t) => {
    const other = await startEnvironment(home);
    const { code, out, err } = await runProgram(t, ["start"], { environment: other });
    assert.equal(code, 1);
    assert.equal(out, "");
    assert.match(
      err,
      new RegExp(`^The data folder ${home} is in use by process ${first.pid};.*\n$`),
    );
  });

  await t.test("commands work beside it", async (t) => {
    const command = ["manager", "--home", home, "reset-admin-password", "-p", "new one"] as const;
    const { code, out } = await runProgram(t, command);
    assert.equal(code, 0);
    assert.equal(out, 'Successfully set password for "admin" user.\n');
  });

  first.child.kill("SIGTERM");
  assert.equal(await first.ended, 0);

  await t.test("a second start finds everything", async () => {
    const second = startProgram(t, ["start"], environment);
    await second.says(/^ready/m);
    assert.doesNotMatch(second.output.out, /password/);
    assert.equal((await fetch(`${api}users/`, { headers: basic("new one") })).status, 200);
    second.child.kill("SIGINT");
    assert.equal(await second.ended, 0);
  });

  await t.test("after a kill the lock and the database are taken over", async () => {
    const killed = startProgram(t, ["start"], environment);
    await killed.says(/^ready/m);
    const orphans = await processTree(killed.pid);
    killed.child.kill("SIGKILL");
    await killed.ended;
    const next = startProgram(t, ["start"], environment);
    await next.says(/^ready/m);
    next.child.kill("SIGTERM");
    assert.equal(await next.ended, 0);
    assert.deepEqual(orphans.filter(isAlive), []);
  });
});

test("a database that is killed comes back by itself", async (t) => {
  const home = join(await temporaryFolder(t), "home");
  const environment = await startEnvironment(home);
  const program = startProgram(t, ["start"], environment);
  await program.says(/^ready/m);
  const pid = Number.parseInt(
    await readFile(join(home, "postgres/data/postmaster.pid"), "utf8"),
    10,
  );

  process.kill(pid, "SIGKILL");
  await program.says(/The embedded database ended/);

  const status = `http://${environment.DECKLE_API_BIND}/pulp/api/v3/status/`;
  const limit = Date.now() + 60_000;
  while (!(await isConnected(status))) {
    assert.ok(Date.now() < limit, `the database does not come back: ${program.output.err}`);
    await sleep(100);
  }
  program.child.kill("SIGTERM");
  assert.equal(await program.ended, 0);
});

test("a second signal does not wait for requests, and leaves nothing either", async (t) => {
  const environment = {
    ...(await startEnvironment(join(await temporaryFolder(t), "home"))),
    DECKLE_ADMIN_PASSWORD: "given",
  };
  const program = startProgram(t, ["start"], environment);
  await program.says(/^ready/m);
  const tree = await processTree(program.pid);
  const [host = "", port = ""] = environment.DECKLE_API_BIND.split(":");
  const socket = connect(Number(port), host);
  t.after(() => socket.destroy());
  socket.on("error", () => undefined);
  const login = `Authorization: ${basic("given").authorization}`;
  socket.write(
    `POST /pulp/api/v3/users/ HTTP/1.1\r\nHost: x\r\n${login}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
  );
  await sleep(500);

  program.child.kill("SIGTERM");
  await program.says(/Stopping/);
  await sleep(1200);
  assert.equal(program.child.exitCode, null, "waits for the request");
  program.child.kill("SIGTERM");

  assert.equal(await program.ended, 130);
  const limit = Date.now() + 10_000;
  while (tree.some(isAlive) && Date.now() < limit) await sleep(50);
  assert.deepEqual(tree.filter(isAlive), []);
});

test("what is wrong is told in sentences, before anything is started", async (t) => {
  const home = join(await temporaryFolder(t), "home");
  const environment = {
    ...(await startEnvironment(home)),
    PULP_WORKER_TTL: "soon",
    PULP_API_ROOT: "pulp",
    PULP_APIROOT: "/",
  };

  const { code, err } = await runProgram(t, ["start"], { environment });

  assert.equal(code, 1);
  assert.deepEqual(err.trim().split("\n"), [
    "The API_ROOT must start and end with a '/', currently it is 'pulp'",
    'WORKER_TTL must be an integer of at least 1, but is "soon" (PULP_WORKER_TTL).',
  ]);
  await assert.rejects(stat(join(home, "postgres")));
});

test("an address in use is told, and the database is stopped again", async (t) => {
  const home = join(await temporaryFolder(t), "home");
  const environment = await startEnvironment(home);
  const [host = "", port = ""] = environment.DECKLE_CONTENT_BIND.split(":");
  const blocker = createServer();
  t.after(() => blocker.close());
  await new Promise<void>((resolve) => blocker.listen(Number(port), host, resolve));

  const { code, err } = await runProgram(t, ["start"], { environment });

  assert.equal(code, 1);
  assert.match(err, new RegExp(`Cannot listen on ${host}:${port}: something else listens there`));
  await assert.rejects(stat(join(home, "postgres/data/postmaster.pid")));
});

test("flags win over variables, and unknown ones are refused", async (t) => {
  const folder = await temporaryFolder(t);
  const usage = await runProgram(t, ["start", "--help"]);
  assert.match(usage.out, /--task-slots/);

  const bad = await runProgram(t, ["start", "--hom", folder]);
  assert.equal(bad.code, 1);
  assert.match(bad.err, /^Unknown option '--hom'/);

  const bind = await runProgram(t, ["start", "--api-bind", "nowhere"], {
    environment: { DECKLE_HOME: folder, DECKLE_API_BIND: "127.0.0.1:1" },
  });
  assert.match(bind.err, /^The address 'nowhere' must be host:port/);
});

test("a folder that cannot be used is told", async (t) => {
  const file = join(await temporaryFolder(t), "file");
  await writeFile(file, "");
  const { code, err } = await runProgram(t, ["start", "--home", join(file, "home")]);
  assert.equal(code, 1);
  assert.match(err, /^The data folder .*\/file\/home cannot be used: ENOTDIR/);
});

const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`admin:${password}`).toString("base64")}`,
});

async function isConnected(status: string): Promise<boolean> {
  const { database_connection } = await json(status);
  return database_connection?.connected === true;
}

interface Status {
  readonly online_workers: readonly unknown[];
  readonly online_api_apps: readonly unknown[];
  readonly online_content_apps: readonly unknown[];
  readonly database_connection?: { readonly connected: boolean };
}

const json = async (url: string): Promise<Status> => (await fetch(url)).json() as Promise<Status>;

/** A process that ended and that nobody waited for yet is not alive. */
function isAlive(pid: number): boolean {
  const stat = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return /^[^Z\s]/.test(stat.stdout);
}
