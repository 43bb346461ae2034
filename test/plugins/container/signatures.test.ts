import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { createAccessWorld } from "./access-world.ts";
import { codesOf, createRegistryWorld, type RegistryWorld, sha256 } from "./registry-world.ts";
import { signedMessage, signedPayload } from "./signed-message.ts";

interface Sent {
  readonly [field: string]: unknown;
}

const body = (
  digest: string,
  changes: Sent = {},
  message = signedMessage(signedPayload(digest)),
): Sent => ({
  schemaVersion: 2,
  type: "atomic",
  name: `${digest}@${"0".repeat(32)}`,
  content: message.toString("base64"),
  ...changes,
});

const put = (world: RegistryWorld, digest: string, value: unknown, name = "team/app") =>
  world.ask("PUT", `/extensions/v2/${name}/signatures/${digest}`, {
    body: typeof value === "string" ? value : JSON.stringify(value),
  });

const listed = async (world: RegistryWorld, digest: string): Promise<readonly Sent[]> => {
  const answer = await world.ask("GET", `/extensions/v2/team/app/signatures/${digest}`);
  assert.equal(answer.status, 200);
  return Object(await answer.json()).signatures;
};

const versions = async ({ ctx }: RegistryWorld): Promise<number> =>
  (await sql<{ n: number }>`select max(number)::int as n from repository_version`.execute(ctx.db))
    .rows[0]?.n ?? -1;

test("a signature that was put is in a version, and is shown as it came", async (t) => {
  const world = await createRegistryWorld(t);
  const digest = await world.pushImage("team/app", "1");
  assert.deepEqual(await listed(world, digest), []);
  const before = await versions(world);
  const message = signedMessage(signedPayload(digest));

  const answer = await put(world, digest, body(digest));

  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get("location"), `/extensions/v2/team/app/signatures/${digest}`);
  assert.equal(answer.headers.get("x-registry-supports-signatures"), "1");
  const name = `${digest}@${sha256(message).slice(7, 39)}`;
  const content = message.toString("base64");
  assert.deepEqual(await listed(world, digest), [
    { schemaVersion: 2, type: "atomic", name, content },
  ]);
  assert.equal(await versions(world), before + 1);
  const { rows } = await sql`
    select key_id, fingerprint, timestamp::int, creator from container_signature`.execute(
    world.ctx.db,
  );
  assert.deepEqual(rows, [
    {
      key_id: "0707070707070707",
      fingerprint: "07".repeat(20),
      timestamp: 0x65920007,
      creator: "a test",
    },
  ]);

  assert.equal((await put(world, digest, body(digest))).status, 201);
  assert.equal(await versions(world), before + 1);
  const other = signedMessage(signedPayload(digest), 8);
  assert.equal((await put(world, digest, body(digest, {}, other))).status, 201);
  assert.equal((await listed(world, digest)).length, 2);
  const head = await world.ask("HEAD", `/extensions/v2/team/app/signatures/${digest}`);
  assert.deepEqual([head.status, await head.text()], [200, ""]);
});

test("signatures that come together are all kept", async (t) => {
  const world = await createRegistryWorld(t);
  const digest = await world.pushImage("team/app", "1");
  const salts = Array.from({ length: 20 }, (_, at) => at + 1);

  const answers = await Promise.all(
    salts.map((salt) =>
      put(world, digest, body(digest, {}, signedMessage(signedPayload(digest), salt))),
    ),
  );

  assert.ok(answers.every(({ status }) => status === 201));
  assert.equal((await listed(world, digest)).length, 20);
});

test("a signature that is none, or about something else, changes nothing", async (t) => {
  const world = await createRegistryWorld(t);
  const digest = await world.pushImage("team/app", "1");
  const other = `sha256:${"b".repeat(64)}`;
  const before = await versions(world);
  const bad: readonly (readonly [string, unknown])[] = [
    ["non_field_errors", "{"],
    ["non_field_errors", []],
    ["schemaVersion", body(digest, { schemaVersion: 1 })],
    ["type", body(digest, { type: "x" })],
    ["name", body(digest, { name: digest })],
    ["content", body(digest, { content: "?" })],
    ["content", body(digest, { content: 1 })],
    ["content", body(digest, { content: Buffer.from("no message").toString("base64") })],
    ["content", body(digest, {}, signedMessage(signedPayload(other)))],
    ["content", body(digest, {}, signedMessage("{}"))],
  ];

  for (const [field, value] of bad) {
    const answer = await put(world, digest, value);
    assert.equal(answer.status, 400, JSON.stringify(value));
    const [problem] = Object(await answer.json()).errors;
    assert.equal(problem.code, "SIGNATURE_INVALID");
    assert.deepEqual(Object.keys(problem.detail), ["manifest_digest", field]);
  }
  const large = await put(
    world,
    digest,
    JSON.stringify(body(digest, { name: "x".repeat(4_000_001) })),
  );
  assert.deepEqual([large.status, await codesOf(large)], [413, ["SIGNATURE_INVALID"]]);
  const unknown = await put(world, other, body(other));
  assert.deepEqual([unknown.status, await codesOf(unknown)], [404, ["MANIFEST_UNKNOWN"]]);
  const nowhere = await put(world, digest, body(digest), "team/none");
  assert.deepEqual([nowhere.status, await codesOf(nowhere)], [404, ["NAME_UNKNOWN"]]);
  const missing = await world.ask("GET", `/extensions/v2/team/app/signatures/${other}`);
  assert.deepEqual([missing.status, await codesOf(missing)], [404, ["MANIFEST_UNKNOWN"]]);
  const path = "/extensions/v2/team/app/signatures";
  assert.equal((await world.ask("GET", `${path}/sha256:abc`)).status, 404);
  assert.equal(
    (await world.ask("DELETE", `${path}/${digest}`)).headers.get("allow"),
    "GET, HEAD, PUT",
  );
  assert.equal(await versions(world), before);
});

test("signatures are for whom the repository is", async (t) => {
  const world = await createAccessWorld(t);
  const digest = await world.pushImage("team/app", "1");
  const path = `/extensions/v2/team/app/signatures/${digest}`;
  const { body: answer } = await world.token(["repository:team/app:pull,push"]);
  const bearer = `Bearer ${answer.token}`;

  assert.equal((await world.as(undefined, "GET", path)).status, 401);
  assert.equal((await world.as(bearer, "GET", path)).status, 200);
  const pushed = await world.as(bearer, "PUT", path, { body: JSON.stringify(body(digest)) });
  assert.equal(pushed.status, 401);
  await world.setPrivate("team/app", true);
  assert.equal((await world.as(bearer, "GET", path)).status, 401);
});
