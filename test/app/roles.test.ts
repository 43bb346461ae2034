import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../support/server.ts";
import { runProgram, startProgram, temporaryFolder } from "./program.ts";
import { roleEnvironment } from "./role-environment.ts";

test("the roles run apart over one database", async (t) => {
  const environment = await roleEnvironment(t);
  const manage = (...words: readonly string[]) =>
    runProgram(t, ["manager", ...words], { environment });

  assert.equal((await manage("migrate", "--noinput")).code, 0);
  assert.match((await manage("showmigrations")).out, /^core\n \[X\] 0001_domains\n/);
  assert.equal((await manage("reset-admin-password", "--password", "secret one")).code, 0);

  const [apiPort, contentPort] = [await freePort(), await freePort()];
  const bind = ["--name-template", "{pid}-special", "--access-logfile", "-", "-b"] as const;
  const api = startProgram(t, ["api", ...bind, `127.0.0.1:${apiPort}`, "-w", "2"], environment);
  const content = startProgram(t, ["content", ...bind, `127.0.0.1:${contentPort}`], environment);
  const worker = startProgram(t, ["worker", "--pid", environment.PID_FILE], environment);
  const root = `http://127.0.0.1:${apiPort}/pulp/api/v3/`;
  const status = await untilOnline(root);

  await t.test("each is on line by its name", () => {
    assert.equal(status.online_api_apps.length, 2);
    assert.match(status.online_api_apps[0]?.name ?? "", /^\d+-special$/);
    assert.equal(status.online_content_apps[0]?.name, `${content.pid}-special`);
    assert.match(status.online_workers[0]?.name ?? "", new RegExp(`^${worker.pid}`));
  });

  await t.test("a task of the API runs in the worker", async () => {
    const headers = {
      authorization: `Basic ${Buffer.from("admin:secret one").toString("base64")}`,
      "content-type": "application/json",
    };
    const post = await fetch(`${root}orphans/cleanup/`, { method: "POST", headers, body: "{}" });
    const { task } = (await post.json()) as { readonly task: string };
    let state = "";
    while (state !== "completed") {
      await sleep(50);
      const answer = await fetch(new URL(task, root), { headers });
      ({ state } = (await answer.json()) as { readonly state: string });
      assert.notEqual(state, "failed");
    }
  });

  await t.test("requests are in the access logs", async () => {
    await fetch(`http://127.0.0.1:${contentPort}/pulp/content/`);
    await api.says(
      /pulp \[[0-9a-f]{32}\]: 127\.0\.0\.1 - admin \[.*\] "POST \/pulp\/api\/v3\/orphans\/cleanup\/ HTTP\/1\.1" 202 /,
    );
    const authorization = `Basic ${Buffer.from("admin:secret one").toString("base64")}`;
    const login = await fetch(`${root}login/`, { method: "POST", headers: { authorization } });
    const [session = ""] = login.headers.getSetCookie();
    const cookie = session.split(";")[0] ?? "";
    assert.equal((await fetch(`${root}login/`, { headers: { cookie } })).status, 200);
    await api.says(/ - admin \[.*\] "GET \/pulp\/api\/v3\/login\/ HTTP\/1\.1" 200 /);
    await content.says(/^127\.0\.0\.1 \[.*\] "GET \/pulp\/content\/ HTTP\/1\.1" 200 \d+ "-" "/m);
  });

  await t.test("metrics are off unless they are asked for", async () => {
    assert.equal((await fetch(`http://127.0.0.1:${apiPort}/metrics`)).status, 404);
  });

  for (const program of [api, content, worker]) program.child.kill("SIGTERM");
  assert.deepEqual(await Promise.all([api.ended, content.ended, worker.ended]), [0, 0, 0]);
});

test("a role does not start over a database that lacks migrations", async (t) => {
  const environment = { ...(await roleEnvironment(t)), PULP_DATABASES__default__NAME: "template1" };

  const { code, err } = await runProgram(t, ["api"], { environment });

  assert.equal(code, 1);
  assert.match(err, /^The database lacks \d+ migrations; run pulpcore-manager migrate first\.\n$/);
});

test("a role does not start without its key", async (t) => {
  const folder = await temporaryFolder(t);
  const environment = {
    ...(await roleEnvironment(t)),
    PULP_DB_ENCRYPTION_KEY: join(folder, "none"),
  };

  for (const role of ["api", "content", "worker"] as const) {
    const { code, err } = await runProgram(t, [role], { environment });
    assert.equal(code, 1);
    assert.match(err, /^Could not load DB_ENCRYPTION_KEY file '.*none': ENOENT/);
  }
  const openapi = await runProgram(t, ["manager", "openapi", "--component", "file"], {
    environment: { PULP_DB_ENCRYPTION_KEY: join(folder, "none") },
  });
  assert.match(openapi.out, /^openapi: /);
});

test("the description is written with what plugins bring to recognise users", async (t) => {
  const name = "pulp_service.app.authentication.RHServiceAccountCertAuthentication";
  const { out, err } = await runProgram(t, ["manager", "openapi", "--component", "service"], {
    environment: {
      PULP_ENABLED_PLUGINS: "['service']",
      PULP_DOMAIN_ENABLED: "true",
      PULP_REST_FRAMEWORK__DEFAULT_AUTHENTICATION_CLASSES: `['${name}']`,
    },
  });
  assert.match(out, /securitySchemes:\s+certificateAuthentication:\s+type: mutualTLS/, err);
});

test("the API does not start with a way to log in that nobody knows", async (t) => {
  const environment = {
    ...(await roleEnvironment(t)),
    PULP_REST_FRAMEWORK__DEFAULT_AUTHENTICATION_CLASSES: "['my.Own']",
  };

  const { code, err } = await runProgram(t, ["api"], { environment });

  assert.equal(code, 1);
  assert.match(err, /^REST_FRAMEWORK\S+ names my\.Own, which is none of pulpcore\.[^\n]*\.\n$/);
});

test("a database that cannot be reached is told", async (t) => {
  const environment = {
    ...(await roleEnvironment(t)),
    PULP_DATABASES__default__HOST: "127.0.0.1",
    PULP_DATABASES__default__PORT: String(await freePort()),
  };

  const { code, err } = await runProgram(t, ["manager", "showmigrations"], { environment });

  assert.equal(code, 1);
  assert.match(err, /^CommandError: The database cannot be reached: .*ECONNREFUSED/);
});

interface Status {
  readonly online_workers: readonly { readonly name: string }[];
  readonly online_api_apps: readonly { readonly name: string }[];
  readonly online_content_apps: readonly { readonly name: string }[];
}

async function untilOnline(root: string): Promise<Status> {
  const limit = Date.now() + 60_000;
  for (;;) {
    const answer = await fetch(`${root}status/`).catch(() => undefined);
    const status = answer?.ok ? ((await answer.json()) as Status) : undefined;
    const isComplete =
      status?.online_api_apps.length === 2 &&
      status.online_content_apps.length === 1 &&
      status.online_workers.length >= 1;
    if (isComplete) return status;
    assert.ok(Date.now() < limit, `not on line: ${JSON.stringify(status)}`);
    await sleep(100);
  }
}
