import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { blackBox } from "./support/black-box.ts";
import { ImageClient } from "./support/image-clients.ts";

const REPOSITORIES = "repositories/container/container/";
const PLAIN = ["--src-tls-verify=false", "--dest-tls-verify=false"] as const;

let host: string;
let client: ImageClient;
let creds: string;
const stack = new AsyncDisposableStack();
const box = blackBox(
  { env: { PULP_REGISTRY_PULL_TIMES_INTERVAL: "1" } },
  async ({ server: { apiUrl, username, password } }) => {
    host = new URL(apiUrl).host;
    creds = `${username}:${password}`;
    client = stack.use(await ImageClient.create());
    await client.run("crane", "auth", "login", host, "-u", username, "-p", password);
    await client.pushImage(`${host}/rules/app:v1`);
  },
);
after(() => stack.disposeAsync());

async function repository(): Promise<string> {
  const { results } = await box.api.get(`${REPOSITORIES}?name=rules/app`);
  return results[0].pulp_href;
}

const change = async (json: object): Promise<void> =>
  void (await box.api.done(await box.api.patch(await repository(), json)));

test("clients are told which rule keeps a tag, and do not try again and again", async () => {
  const tag = `${host}/rules/app:v1`;
  const digest = await client.run("crane", "digest", tag);
  await change({ immutable_tags: ["v*"] });
  const started = performance.now();

  const refusals = [
    await client.fails("crane", "append", "-f", client.path("layer.tar"), "-b", tag, "-t", tag),
    await client.fails("crane", "delete", `${host}/rules/app@${digest.trim()}`),
    await client.fails(
      "skopeo",
      "delete",
      "--tls-verify=false",
      `--creds=${creds}`,
      `docker://${tag}`,
    ),
  ];

  for (const output of refusals) assert.match(output, /matches 'v\*' of the repository's/);
  assert.ok(performance.now() - started < 60_000);
  assert.equal(await client.run("crane", "digest", tag), digest);
  await client.pushImage(tag);
  const copy = ["copy", ...PLAIN, `--dest-creds=${creds}`, `docker://${tag}`] as const;
  await client.run("skopeo", ...copy, `docker://${host}/rules/app:v2`);
  await client.run("skopeo", ...copy, `docker://${host}/rules/app:v1`);
});

test("a pull is seen, and retention leaves what was pulled", async () => {
  for (const tag of ["build-1", "build-2", "build-3"])
    await client.pushImage(`${host}/rules/app:${tag}`);
  const retention = `${await repository()}retention/`;
  const rules = [{ tags: ["build-*"], keep_newest: 1 }];

  const plan = await box.api.post(retention, { dry_run: true, retention_policy: { rules } });
  assert.deepEqual(plan.tags.map(({ name }: { name: string }) => name).sort(), [
    "build-1",
    "build-2",
  ]);
  await box.api.done(await box.api.post(retention, { retention_policy: { rules } }));

  assert.equal(await client.run("crane", "ls", `${host}/rules/app`), "build-3\nv1\nv2\n");
  await client.run("crane", "validate", "--remote", `${host}/rules/app:build-3`);
  const last = async () =>
    (await box.api.get("content/container/tags/?name=build-3")).results[0].last_pulled;
  for (let tries = 0; (await last()) === null && tries < 100; tries += 1) await sleep(100);
  assert.notEqual(await last(), null);
});
