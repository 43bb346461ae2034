import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { EICAR } from "./support/clamd.ts";
import { withDatabases } from "./support/database.ts";
import { type Deployment, startDeployment } from "./support/deployment.ts";

withDatabases();

const identityHeader = (identity: object): Record<string, string> => ({
  "x-rh-identity": Buffer.from(JSON.stringify({ identity })).toString("base64"),
});
const personOf = (org_id: string, username: string) =>
  identityHeader({ org_id, internal: { org_id }, user: { username } });

const B = "/api/pulp/default/api/v3/";

type Ask = (path: string, init?: RequestInit) => Promise<Asked>;

interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  json(): Answer;
}

interface World extends Deployment {
  /** Anybody's request to the server that the path is of. */
  readonly ask: Ask;
  /** Ends with the task of an upload into the repository. */
  upload(path: string, bytes: string): Promise<Answer>;
  /** A file repository that is published by itself and scanned. */
  readonly repository: Answer;
}

async function createWorld(deployment: Deployment): Promise<World> {
  const { admin, apiUrl, contentUrl } = deployment;
  const repository = await admin.post("repositories/file/file/", {
    ...{ name: "r", autopublish: true, pulp_labels: { malware_scanning: "true" } },
  });
  const ask: Ask = async (path, init = {}) => {
    const url = path.startsWith("/api/pulp-content/") ? contentUrl : apiUrl;
    const response = await fetch(`${url}${path}`, { redirect: "manual", ...init });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: () => JSON.parse(text),
    };
  };
  const upload = async (path: string, bytes: string) => {
    const form = new FormData();
    form.append("file", new Blob([bytes]), path);
    form.append("relative_path", path);
    form.append("repository", repository.pulp_href);
    return admin.task(await admin.post("content/file/files/", form));
  };
  return { ...deployment, ask, upload, repository };
}

/** What the variables do, by those that are seen in it. */
const PARTS: Readonly<Record<string, (world: World) => Promise<void>>> = {
  "PULP_API_ROOT, PULP_DOMAIN_ENABLED, PULP_REDIS_PORT, PULP_CONTENT_*: status": async ({
    ask,
    programs,
  }) => {
    const status = (await ask("/api/pulp/api/v3/status/")).json();
    assert.equal(status.redis_connection.connected, true);
    assert.equal(status.domain_enabled, true);
    assert.equal(status.content_settings.content_origin, "https://packages.example");
    assert.equal(status.content_settings.content_path_prefix, "/api/pulp-content/");
    assert.ok(status.versions.some((one: { component: string }) => one.component === "service"));
    assert.equal((await ask("/pulp/api/v3/status/")).status, 404);
    for (const { output } of Object.values(programs))
      assert.doesNotMatch(output.err, /There is no setting/);
  },
  "PULP_CLAMAV_*, PULP_ALLOWED_CONTENT_CHECKSUMS: an upload": async ({ admin, upload }) => {
    assert.equal((await upload("a/f", "harmless")).state, "completed");
    const [artifact] = (await admin.get("artifacts/?limit=1")).results;
    assert.deepEqual([artifact.md5, artifact.sha1], [null, null]);
    for (const name of ["sha224", "sha256", "sha384", "sha512"]) assert.ok(artifact[name], name);
    const bad = await upload("a/virus", EICAR);
    assert.match(bad.error.description, /^\[PLP0005\] ClamAV detected a virus/);
  },
  "PULP_FEATURE_SERVICE_*, PULP_STORAGES__*: guarded content from the bucket": async ({
    admin,
    ask,
    repository,
    features,
    redis,
    bucket,
  }) => {
    const guard = await admin.post("contentguards/service/feature/", {
      ...{ name: "g", header_name: "x-rh-identity", jq_filter: ".identity.org_id" },
      features: ["lightwell-network"],
    });
    await admin.done(
      await admin.post("distributions/file/file/", {
        ...{ name: "d", base_path: "d", repository: repository.pulp_href },
        content_guard: guard.pulp_href,
      }),
    );
    const get = (path: string, org: string) =>
      ask(`/api/pulp-content/default/${path}`, {
        headers: {
          ...personOf(org, "kim"),
          "user-agent": "dnf/4",
          "x-forwarded-for": "192.0.2.7",
        },
      });
    const seen: [string, number, string | null][] = [];
    for (const [path, org] of [
      ["d/a/f", "7"],
      ["d/a/f", "8"],
      ["d/none", "7"],
      ["d/a", "7"],
      ["d/a/", "7"],
    ] as const) {
      const { status, headers } = await get(path, org);
      seen.push([`${path} ${org}`, status, headers.get("x-rh-org-id")]);
    }
    assert.deepEqual(seen, [
      ...[["d/a/f 7", 302, "7"] as const, ["d/a/f 8", 403, "8"] as const],
      ...[["d/none 7", 404, "7"] as const, ["d/a 7", 301, "7"] as const],
      ["d/a/ 7", 200, "7"],
    ]);
    const location = new URL((await get("d/a/f", "7")).headers.get("location") ?? "");
    assert.ok(location.pathname.startsWith(`/${bucket.bucket_name}/artifact/`));
    assert.equal(location.searchParams.get("X-Amz-Algorithm"), "AWS4-HMAC-SHA256");
    assert.equal(await (await fetch(location)).text(), "harmless");
    const asked = features.requests.map(({ path, clientName }) => `${clientName} ${path}`);
    const query = (org: string) =>
      `pulp-services /features/v2/featureStatus?accountId=${org}&features=lightwell-network`;
    assert.deepEqual(asked, [query("7"), query("8")]);
    const hash = await redis.client.send("HLEN", "PULP_FEATURE_CONTENTGUARD_CACHE");
    assert.equal(hash, 2, "PULP_CACHE_ENABLED");
  },
  "PULP_AUTHENTICATION_*, PULP_REST_FRAMEWORK__*: a tenant of his own": async ({
    admin,
    ask,
    programs,
    bucket,
  }) => {
    await admin.post("domains/", {
      ...{ name: "template-domain-s3", storage_class: "storages.backends.s3boto3.S3Boto3Storage" },
      storage_settings: bucket,
    });
    const json = { "content-type": "application/json" };
    const made = await ask("/api/pulp/create-domain/", {
      ...{ method: "POST", headers: { ...personOf("7", "mara"), ...json } },
      body: JSON.stringify({ name: "team-a" }),
    });
    assert.equal(made.status, 201, made.text);
    const list = "/api/pulp/team-a/api/v3/repositories/file/file/";
    const status = async (headers: Record<string, string>) => (await ask(list, { headers })).status;
    assert.equal(await status(personOf("7", "ben")), 200, "a colleague");
    assert.equal(await status(personOf("8", "eve")), 403);
    assert.equal(await status({}), 401);
    assert.equal((await ask(list)).headers.get("www-authenticate"), "Bearer");
    assert.match(
      programs.api.output.err,
      /New user created: username=7\|mara, route=\/api\/pulp\/create-domain\//,
    );
  },
  "PULP_MIDDLEWARE, PULP_USE_X_FORWARDED_HOST, PULP_SECURE_PROXY_SSL_HEADER": async ({
    admin,
    ask,
    upload,
    programs,
  }) => {
    const list = `${B}artifacts/?limit=1&fields=pulp_href`;
    await upload("b", "another");
    const next = async (headers: Record<string, string>) =>
      ((await (await admin.request("GET", list, { headers })).json()) as Answer).next;
    const https = { "x-forwarded-proto": "https" };
    assert.match(
      await next({ ...https, "x-forwarded-host": "a.example" }),
      /^https:\/\/a\.example\/api/,
    );
    assert.match(
      await next({ ...https, "x-rh-edge-host": "b.example" }),
      /^https:\/\/b\.example\/api/,
    );
    const associate = { associate: { email: "ops@example.org" } };
    const site = await ask("/api/pulp-mgmt/", { headers: identityHeader(associate) });
    assert.match(site.headers.getSetCookie().join(), /sessionid=/);
    assert.match(programs.api.output.err, /User ops@example\.org authenticated for pulp-mgmt/);
  },
  "PULP_TOKEN_AUTH_DISABLED, PULP_PYPI_*, what is switched off": async ({ admin, ask }) => {
    const door = await ask("/v2/");
    assert.deepEqual(
      [door.status, door.headers.get("docker-distribution-api-version")],
      [401, "registry/2.0"],
    );
    assert.match(door.headers.get("www-authenticate") ?? "", /^Basic/);
    assert.equal((await admin.request("GET", "/v2/")).status, 200);
    const index = await admin.post("repositories/python/python/", { name: "p" });
    const made = await admin.post("distributions/python/pypi/", {
      ...{ name: "i", base_path: "rhoai/3.3", repository: index.pulp_href },
    });
    await admin.done(made);
    const { results } = await admin.get("distributions/python/pypi/");
    assert.equal(results[0].base_url, "https://packages.example/api/pypi/default/rhoai/3.3/");
    assert.equal((await ask("/api/pypi/default/rhoai/3.3/simple/")).status, 200);
    for (const path of ["test/tasks/", "rds-connection-tests/"])
      assert.equal((await ask(`/api/pulp/${path}`)).status, 403, path);
  },
  "PULP_TASK_DIAGNOSTICS, PULP_WORKER_TYPE: a task with profiles": async ({
    admin,
    programs,
    redis,
  }) => {
    const asked = await admin.request("POST", "orphans/cleanup/", {
      headers: { "x-task-diagnostics": "memory,nonsense", "content-type": "application/json" },
      body: "{}",
    });
    const task = await admin.done(await asked.json());
    const { urls } = await admin.get(`${task.pulp_href}profile_artifacts/`);
    assert.deepEqual(Object.keys(urls), ["memory_profile"]);
    const id = task.pulp_href.split("/").at(-2);
    assert.match(programs.worker.output.err, new RegExp(`Task completed ${id} in domain: default`));
    // What is shown in Redis goes after the task has ended.
    await eventually(async () => {
      const left = (await redis.keys()).filter((key) => key.startsWith("task:"));
      assert.deepEqual(left, [], "no lock is left");
    });
  },
  "SENTRY_DSN, ENV_NAME: what was not expected is reported": async ({ ask, reports }) => {
    await ask("/api/pulp/raise-exception-check/", { method: "HEAD" });
    await eventually(() => assert.notEqual(reports.length, 0, "nothing was reported"), 30_000);
    const [path = "", text = ""] = reports[0] ?? [];
    assert.match(path, /^\/api\/7\/envelope\//);
    assert.match(text, /"environment":"of the test"/);
  },
  "OTEL_*: durations in the buckets of the document, without what is excluded": async ({
    collector,
  }) => {
    const isDuration = ({ name }: { name: string }) => name === "api.request_duration";
    const { bounds, service } = await collector.newest(isDuration);
    assert.deepEqual([bounds, service], [[100, 250, 500, 1000, 2500, 5000], "pulp-api"]);
    const targets = collector.points
      .filter(isDuration)
      .map(({ attributes }) => attributes["http.target"] ?? "");
    assert.ok(
      targets.some((target) => target.includes("repositories")),
      `${targets}`,
    );
    assert.ok(!targets.some((target) => /livez|status/.test(target)), `${targets}`);
    for (const name of ["api.active_connections", "content.request_duration"])
      await collector.newest((point) => point.name === name);
    assert.deepEqual([...new Set(collector.requests.map(({ path }) => path))], ["/v1/metrics"]);
  },
  "PULP_*_GUNICORN_MAX_REQUESTS: processes are renewed, and no request fails": async ({
    ask,
    programs,
  }) => {
    for (let number = 0; number < 60; number += 1)
      assert.equal((await ask("/api/pulp/api/v3/livez/")).status, 200);
    for (let number = 0; number < 30; number += 1)
      assert.equal((await ask("/api/pulp-content/default/")).status, 200);
    for (const program of [programs.api, programs.content]) await program.says(/is replaced: it /);
  },
  "13: each line of the access logs is one of the document's template": async ({ programs }) => {
    const API =
      /^pulp \[[\da-f]{32}\]: 127\.0\.0\.1 - user:(?<user>.*?) org_id:(?<org>\S+) \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "(?<method>[A-Z]+) (?<path>\S+) HTTP\/1\.1" (?<status>\d{3}) (?:\d+|-) "[^"]*" "[^"]*" \d+ x_forwarded_for:"[^"]*"$/;
    const CONTENT =
      /^127\.0\.0\.1 \[[^\]]+\] "[A-Z]+ (?<path>\S+) HTTP\/1\.1" (?<status>\d{3}) \S+ "[^"]*" "(?<agent>[^"]*)" cache:"(?:HIT|MISS|-)" artifact_size:"(?:\d+|-)" rh_org_id:"(?<org>[^"]*)" x_forwarded_for:"(?<forwarded>[^"]*)"$/;
    await sleep(500);
    const access = (text: string, start: RegExp) =>
      text.split("\n").filter((line) => start.test(line));
    const api = access(programs.api.output.out, / "\S+ \S+ HTTP/).map(
      (line) => [line, API.exec(line)] as const,
    );
    const content = access(programs.content.output.out, / "\S+ \S+ HTTP/).map(
      (line) => [line, CONTENT.exec(line)] as const,
    );
    for (const [line, found] of [...api, ...content]) assert.ok(found, line);
    assert.ok(api.some(([, found]) => found?.groups?.user === "mara" && found.groups.org === "7"));
    const download = content.find(
      ([, found]) => found?.groups?.path === "/api/pulp-content/default/d/a/f",
    );
    assert.deepEqual(
      { ...download?.[1]?.groups },
      {
        ...{ path: "/api/pulp-content/default/d/a/f", status: "302", agent: "dnf/4" },
        ...{ org: "7", forwarded: "192.0.2.7" },
      },
    );
  },
  "all of them end when they are told to": async ({ programs }) => {
    for (const { child } of Object.values(programs)) child.kill("SIGTERM");
    const ended = Object.values(programs).map(({ ended }) => ended);
    assert.deepEqual(await Promise.all(ended), [0, 0, 0]);
  },
};

test("22: the environment of the founding document runs the whole service with all its neighbours", async (t) => {
  const world = await createWorld(await startDeployment(t));
  for (const [name, part] of Object.entries(PARTS)) await t.test(name, () => part(world));
});
