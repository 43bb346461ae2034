import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { codesOf, createRegistryWorld, sha256 } from "./registry-world.ts";

const SIZES = [2048, 700_000];

for (const size of SIZES) {
  test(`a blob of ${size} bytes is sent whole, in parts, and not at all where it is known`, async (t) => {
    const world = await createRegistryWorld(t);
    const bytes = randomBytes(size);
    const digest = await world.pushBlob("team/app", bytes);
    const path = `/v2/team/app/blobs/${digest}`;
    const part = async (range: string) => {
      const answer = await world.ask("GET", path, { headers: { range } });
      return { answer, got: Buffer.from(await answer.arrayBuffer()) };
    };

    for (let times = 0; times < 3; times += 1) {
      const whole = await world.ask("GET", path);
      assert.deepEqual(Buffer.from(await whole.arrayBuffer()), bytes);
      assert.equal(whole.headers.get("content-type"), "application/octet-stream");
      assert.equal(whole.headers.get("docker-content-digest"), digest);
      const head = await world.ask("HEAD", path);
      assert.equal(head.headers.get("content-length"), String(size));
      assert.equal(head.headers.get("accept-ranges"), "bytes");
    }
    const middle = await part("bytes=500-1499");
    assert.equal(middle.answer.status, 206);
    assert.equal(middle.answer.headers.get("content-range"), `bytes 500-1499/${size}`);
    assert.deepEqual(middle.got, bytes.subarray(500, 1500));
    assert.deepEqual((await part("bytes=500-")).got, bytes.subarray(500));
    assert.deepEqual((await part("bytes=-500")).got, bytes.subarray(size - 500));
    const clipped = await part(`bytes=${size - 48}-${size + 1000}`);
    assert.deepEqual([clipped.answer.status, clipped.got.length], [206, 48]);
    for (const range of ["bytes=500-0", `bytes=${size}-${size + 9}`]) {
      const refused = await world.ask("GET", path, { headers: { range } });
      assert.equal(refused.status, 416, range);
      assert.equal(refused.headers.get("content-range"), `bytes */${size}`);
      assert.equal(refused.headers.get("content-type"), "application/json");
      assert.deepEqual(await codesOf(refused), ["UNSUPPORTED"]);
    }
    const known = await world.ask("GET", path, { headers: { "if-none-match": `"${digest}"` } });
    assert.equal(known.status, 304);
  });
}

test("a blob that is deleted is gone at once, here and nowhere else", async (t) => {
  const world = await createRegistryWorld(t);
  const digest = await world.pushBlob("team/app", "shared");
  await world.pushBlob("team/other", "shared");
  const path = `/v2/team/app/blobs/${digest}`;
  await world.ask("GET", path);
  await world.ask("HEAD", path);

  const deleted = await world.ask("DELETE", path);

  assert.equal(deleted.status, 202);
  assert.equal((await world.ask("GET", `/v2/team/other/blobs/${digest}`)).status, 200);
  for (const method of ["GET", "HEAD", "DELETE"]) {
    assert.equal((await world.ask(method, path)).status, 404, method);
  }
  const named = await world.ask("DELETE", "/v2/team/app/blobs/latest");
  assert.deepEqual([named.status, await codesOf(named)], [400, ["INVALID_REQUEST"]]);
});

test("what another process deletes or adds is heard of", async (t) => {
  const world = await createRegistryWorld(t);
  const other = await createRegistryWorld(t, { beside: world });
  const digest = await world.pushImage("team/app", "1");
  const path = `/v2/team/app/manifests/${digest}`;
  assert.equal((await other.ask("GET", path)).status, 200);

  await world.ask("DELETE", path);
  await sleep(300);

  assert.equal((await other.ask("GET", path)).status, 404);
  const again = await world.pushImage("team/app", "2");
  assert.equal((await other.ask("GET", "/v2/team/app/manifests/2")).status, 200);
  assert.equal((await other.ask("GET", `/v2/team/app/manifests/${again}`)).status, 200);
});

test("every repository has the empty layer of old images, and nobody else's blobs", async (t) => {
  const world = await createRegistryWorld(t);
  await world.pushBlob("team/app", "mine");
  await world.ask("POST", "/v2/team/other/blobs/uploads/");
  const empty = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";

  const got = await world.ask("GET", `/v2/team/other/blobs/${empty}`);
  const foreign = await world.ask("GET", `/v2/team/other/blobs/${sha256("mine")}`);
  const nowhere = await world.ask("GET", `/v2/no/such/blobs/${sha256("mine")}`);

  assert.equal(sha256(Buffer.from(await got.arrayBuffer())), empty);
  assert.deepEqual([foreign.status, await codesOf(foreign)], [404, ["BLOB_UNKNOWN"]]);
  assert.deepEqual([nowhere.status, await codesOf(nowhere)], [404, ["NAME_UNKNOWN"]]);
});

test("what is known costs no statement, and what is not at most two", async (t) => {
  const world = await createRegistryWorld(t);
  const digest = await world.pushImage("team/app", "1");
  const layer = sha256("layer of team/app:1");
  // Until the change feed has told what this process knows already.
  await sleep(300);
  const paths = ["manifests/1", `manifests/${digest}`, `blobs/${layer}`];
  const hot: string[] = [];
  const { query } = world.ctx.hot;
  world.ctx.hot.query = (statement, values) => {
    if (statement.name.startsWith("registry")) hot.push(statement.name);
    return query.call(world.ctx.hot, statement, values) as never;
  };

  for (const path of paths) {
    hot.length = 0;
    await world.ask("GET", `/v2/team/app/${path}`);
    assert.ok(hot.length <= 2, `${path}: ${hot}`);
    hot.length = 0;
    await world.ask("GET", `/v2/team/app/${path}`);
    assert.deepEqual(hot, [], path);
  }
});
