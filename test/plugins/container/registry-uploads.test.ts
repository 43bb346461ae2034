import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { endUpload } from "#plugins/container/registry/uploads/session-rows.ts";
import { UploadSessions } from "#plugins/container/registry/uploads/sessions.ts";
import { codesOf, createRegistryWorld, type RegistryWorld, sha256 } from "./registry-world.ts";

const begin = async (world: RegistryWorld, name = "team/app"): Promise<string> => {
  const begun = await world.ask("POST", `/v2/${name}/blobs/uploads/`);
  assert.equal(begun.status, 202);
  return begun.headers.get("location") ?? "";
};

const patch = (world: RegistryWorld, at: string, body: Buffer, range?: string) =>
  world.ask("PATCH", at, { body, headers: range === undefined ? {} : { "content-range": range } });

const sessionFiles = async ({ mediaRoot }: RegistryWorld): Promise<readonly string[]> =>
  readdir(join(mediaRoot, "tmp/sessions")).catch(() => []);

test("an upload begins with nothing, grows by chunks, and tells how far it is", async (t) => {
  const world = await createRegistryWorld(t);
  const bytes = randomBytes(3000);

  const begun = await world.ask("POST", "/v2/team/app/blobs/uploads");
  const at = begun.headers.get("location") ?? "";
  const first = await patch(world, at, bytes.subarray(0, 1000), "0-999");
  const status = await world.ask("GET", at);
  const second = await patch(world, at, bytes.subarray(1000, 2000));
  const done = await world.ask("PUT", `${at}?digest=${sha256(bytes)}`, {
    body: bytes.subarray(2000),
    headers: { "content-range": "2000-2999" },
  });

  assert.match(at, /^\/v2\/team\/app\/blobs\/uploads\/[0-9a-f-]{36}$/);
  assert.equal(begun.headers.get("range"), "0-0");
  assert.equal(begun.headers.get("docker-distribution-api-version"), "registry/2.0");
  assert.equal(at.endsWith(begun.headers.get("docker-upload-uuid") ?? "?"), true);
  assert.deepEqual([first.status, first.headers.get("range")], [202, "0-999"]);
  assert.deepEqual([status.status, status.headers.get("range")], [204, "0-999"]);
  assert.deepEqual([second.status, second.headers.get("range")], [202, "0-1999"]);
  assert.equal(done.status, 201);
  assert.equal(done.headers.get("location"), `/v2/team/app/blobs/${sha256(bytes)}`);
  const got = await world.ask("GET", done.headers.get("location") ?? "");
  assert.deepEqual(Buffer.from(await got.arrayBuffer()), bytes);
  const gone = await world.ask("GET", at);
  assert.equal(gone.status, 404);
  assert.deepEqual(await codesOf(gone), ["BLOB_UPLOAD_UNKNOWN"]);
  assert.deepEqual(await sessionFiles(world), []);
});

test("a chunk that does not follow is refused, and the right one is still taken", async (t) => {
  const world = await createRegistryWorld(t);
  const at = await begin(world);
  await patch(world, at, Buffer.alloc(1024), "0-1023");

  const again = await patch(world, at, Buffer.alloc(1024), "0-1023");
  const beyond = await patch(world, at, Buffer.alloc(10), "2000-2009");
  const longer = await patch(world, at, Buffer.alloc(10), "1024-1034");
  const unclear = await patch(world, at, Buffer.alloc(10), "bytes=1024-1033");
  const closing = await world.ask("PUT", `${at}?digest=${sha256("x")}`, {
    body: Buffer.alloc(10),
    headers: { "content-range": "0-9" },
  });
  const right = await patch(world, at, Buffer.alloc(10), "1024-1033");

  for (const wrong of [again, beyond, closing]) {
    assert.equal(wrong.status, 416);
    assert.equal(wrong.headers.get("range"), "0-1023");
    assert.equal(wrong.headers.get("location"), at);
    assert.deepEqual(await codesOf(wrong), ["BLOB_UPLOAD_INVALID"]);
  }
  assert.deepEqual([longer.status, await codesOf(longer)], [400, ["SIZE_INVALID"]]);
  assert.deepEqual([unclear.status, await codesOf(unclear)], [400, ["INVALID_REQUEST"]]);
  assert.deepEqual([right.status, right.headers.get("range")], [202, "0-1033"]);
});

test("bytes of another digest are refused, whatever way they come, and nothing stays", async (t) => {
  const world = await createRegistryWorld(t);
  const wrong = sha256("other bytes");
  const whole = await begin(world);
  const chunked = await begin(world);
  await patch(world, chunked, Buffer.from("these bytes"));

  const single = await world.ask("POST", `/v2/team/app/blobs/uploads/?digest=${wrong}`, {
    body: "these bytes",
  });
  const put = await world.ask("PUT", `${whole}?digest=${wrong}`, { body: "these bytes" });
  const closed = await world.ask("PUT", `${chunked}?digest=${wrong}`);
  const missing = await world.ask("PUT", await begin(world), { body: "these bytes" });
  const md5 = await world.ask("PUT", `${await begin(world)}?digest=md5:abc`, { body: "x" });

  for (const answer of [single, put, closed, missing, md5]) {
    assert.equal(answer.status, 400);
    assert.deepEqual(await codesOf(answer), ["DIGEST_INVALID"]);
  }
  assert.equal((await world.ask("GET", whole)).status, 404);
  assert.equal((await world.ask("GET", chunked)).status, 404);
  assert.equal((await world.ask("HEAD", `/v2/team/app/blobs/${wrong}`)).status, 404);
  assert.deepEqual(await sessionFiles(world), []);
});

test("blobs are addressed by SHA-512, too, whatever way they come", async (t) => {
  const world = await createRegistryWorld(t);
  const sha512 = (text: string) => `sha512:${createHash("sha512").update(text).digest("hex")}`;
  const chunked = await begin(world);
  await patch(world, chunked, Buffer.from("in chunks"));

  const single = await world.ask(
    "POST",
    `/v2/team/app/blobs/uploads/?digest=${sha512("at once")}`,
    {
      body: "at once",
    },
  );
  const closed = await world.ask("PUT", `${chunked}?digest=${sha512("in chunks")}`);
  const hinted = await world.ask("POST", "/v2/team/app/blobs/uploads/?digest-algorithm=sha512");

  assert.deepEqual([single.status, closed.status, hinted.status], [201, 201, 202]);
  const got = await world.ask("GET", `/v2/team/app/blobs/${sha512("in chunks")}`);
  assert.equal(await got.text(), "in chunks");
});

test("empty blobs are blobs", async (t) => {
  const world = await createRegistryWorld(t);
  const digest = sha256("");

  const done = await world.ask("PUT", `${await begin(world)}?digest=${digest}`);

  assert.equal(done.status, 201);
  const got = await world.ask("GET", `/v2/team/app/blobs/${digest}`);
  assert.deepEqual([got.status, got.headers.get("content-length")], [200, "0"]);
});

test("an upload goes on in another process, from what was acknowledged", async (t) => {
  const world = await createRegistryWorld(t);
  const other = await createRegistryWorld(t, { beside: world });
  const at = await begin(world);
  await patch(world, at, Buffer.from("first, "));
  await patch(other, at, Buffer.from("second, "));

  const done = await world.ask("PUT", `${at}?digest=${sha256("first, second, third")}`, {
    body: "third",
  });

  assert.equal(done.status, 201);
});

test("a client that leaves finds what had arrived, and goes on from there", async (t) => {
  const world = await createRegistryWorld(t);
  const at = await begin(world);
  const socket = connect(Number(new URL(world.origin).port), "127.0.0.1");
  socket.write(
    `PATCH ${at} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${world.authorization}\r\n` +
      "Transfer-Encoding: chunked\r\n\r\n6\r\nfirst,\r\n",
  );
  await sleep(300);
  socket.destroy();

  let range = "0-0";
  for (let tries = 0; tries < 50 && range === "0-0"; tries += 1) {
    await sleep(50);
    range = (await world.ask("GET", at)).headers.get("range") ?? "";
  }

  assert.equal(range, "0-5");
  const done = await world.ask("PUT", `${at}?digest=${sha256("first,second")}`, {
    body: "second",
    headers: { "content-range": "6-11" },
  });
  assert.equal(done.status, 201);
});

test("of requests that close an upload at the same time one wins", async (t) => {
  const world = await createRegistryWorld(t);
  const at = await begin(world);
  await patch(world, at, Buffer.from("bytes"));

  const closing = Array.from({ length: 5 }, () =>
    world.ask("PUT", `${at}?digest=${sha256("bytes")}`),
  );
  const statuses = (await Promise.all(closing)).map(({ status }) => status);

  assert.deepEqual(statuses.sort(), [201, 404, 404, 404, 404]);
});

test("an upload that was cancelled is gone, and is of one repository and one user only", async (t) => {
  const world = await createRegistryWorld(t);
  const at = await begin(world);
  await begin(world, "team/other");
  await patch(world, at, Buffer.from("bytes"));

  const elsewhere = await world.ask("PATCH", at.replace("team/app", "team/other"), { body: "x" });
  const nowhere = await world.ask("GET", at.replace("team/app", "no/such"));
  const cancelled = await world.ask("DELETE", at);
  const after = await patch(world, at, Buffer.from("more"));
  const unknown = await world.ask("GET", "/v2/team/app/blobs/uploads/nonsense");

  assert.equal(cancelled.status, 204);
  for (const answer of [elsewhere, nowhere, after, unknown]) {
    assert.equal(answer.status, 404);
    assert.deepEqual(await codesOf(answer), ["BLOB_UPLOAD_UNKNOWN"]);
  }
  assert.deepEqual(await sessionFiles(world), []);
});

/** An upload to `team/app` as the database knows it, and its domain. */
async function uploadAt({ ctx }: RegistryWorld, at: string) {
  const id = at.split("/").at(-1) ?? "";
  const { rows } = await sql<{ domain: number; repository: string; owner: number | null }>`
    select d.domain, d.repository, u.id as owner from distribution d
    join app_user u on u.username = 'admin'
    where d.base_path = 'team/app'`.execute(ctx.db);
  const [row] = rows;
  assert.ok(row);
  const domain = await ctx.db
    .selectFrom("domain")
    .select(["num", "id", "name"])
    .where("num", "=", row.domain)
    .executeTakeFirstOrThrow();
  return { domain, key: { id, ...row } };
}

/** What another process would do to an upload that was begun here. */
async function goOnElsewhere(world: RegistryWorld, at: string, bytes: Buffer): Promise<void> {
  const { domain, key } = await uploadAt(world, at);
  const elsewhere = new UploadSessions(world.ctx);
  {
    await using writing = await elsewhere.take(domain, key, { bringsAll: false });
    assert.ok(writing);
    await (await writing.file()).append(bytes);
    assert.ok(await writing.acknowledge());
  }
  await elsewhere.close();
}

test("a PUT brings the last bytes of an upload that went on in another process", async (t) => {
  const world = await createRegistryWorld(t);
  const bytes = randomBytes(200_000);
  const [first, last] = [bytes.subarray(0, 150_000), bytes.subarray(150_000)];
  const at = await begin(world);
  await goOnElsewhere(world, at, first);

  const done = await world.ask("PUT", `${at}?digest=${sha256(bytes)}`, { body: last });

  assert.equal(done.status, 201);
  const got = await world.ask("GET", done.headers.get("location") ?? "");
  assert.deepEqual(Buffer.from(await got.arrayBuffer()), bytes);
  assert.deepEqual(await sessionFiles(world), []);
});

test("bytes that are the blob by themselves are not it where an upload has others before", async (t) => {
  const world = await createRegistryWorld(t);
  const bytes = randomBytes(1000);
  const at = await begin(world);
  await goOnElsewhere(world, at, Buffer.from("before"));

  const done = await world.ask("PUT", `${at}?digest=${sha256(bytes)}`, { body: bytes });

  assert.equal(done.status, 400);
  assert.deepEqual(await codesOf(done), ["DIGEST_INVALID"]);
  assert.equal((await world.ask("GET", at)).status, 404);
  assert.equal((await world.ask("HEAD", `/v2/team/app/blobs/${sha256(bytes)}`)).status, 404);
});

test("an upload that was cancelled in another process takes no blob, right or wrong", async (t) => {
  const world = await createRegistryWorld(t);
  const bytes = randomBytes(1000);
  const elsewhere = new UploadSessions(world.ctx);
  t.after(() => elsewhere.close());
  for (const body of [bytes, Buffer.from("other bytes")]) {
    const at = await begin(world);
    const { domain, key } = await uploadAt(world, at);
    await using writing = await elsewhere.take(domain, key, { bringsAll: false });
    assert.ok(await endUpload(world.ctx.db, key));
    await writing?.end();

    const done = await world.ask("PUT", `${at}?digest=${sha256(bytes)}`, { body });

    assert.equal(done.status, 404);
    assert.deepEqual(await codesOf(done), ["BLOB_UPLOAD_UNKNOWN"]);
  }
  assert.equal((await world.ask("HEAD", `/v2/team/app/blobs/${sha256(bytes)}`)).status, 404);
});

test("an upload that went on over several requests is over in every process, until its row goes", async (t) => {
  const world = await createRegistryWorld(t);
  const bytes = randomBytes(1000);
  const at = await begin(world);
  await patch(world, at, bytes);
  const done = await world.ask("PUT", `${at}?digest=${sha256(bytes)}`);
  assert.equal(done.status, 201);
  const { domain, key } = await uploadAt(world, at);
  const elsewhere = new UploadSessions(world.ctx);
  t.after(() => elsewhere.close());

  assert.equal(await elsewhere.sizeOf(key), undefined);
  assert.equal(await elsewhere.take(domain, key, { bringsAll: false }), undefined);
  await sql`
    update container_upload set updated = clock_timestamp() - interval '25 hours'`.execute(
    world.ctx.db,
  );
  await elsewhere.purge();

  const { rows } = await sql`select from container_upload`.execute(world.ctx.db);
  assert.equal(rows.length, 0);
  assert.equal((await world.ask("GET", done.headers.get("location") ?? "")).status, 200);
});

test("an upload that nobody wrote to has no row, and goes on in any process", async (t) => {
  const world = await createRegistryWorld(t);
  const at = await begin(world);
  const { domain, key } = await uploadAt(world, at);
  const { rows } = await sql`select from container_upload`.execute(world.ctx.db);
  const elsewhere = new UploadSessions(world.ctx);
  t.after(() => elsewhere.close());

  assert.equal(rows.length, 0);
  assert.equal(await elsewhere.sizeOf(key), 0);
  assert.equal(await elsewhere.sizeOf({ ...key, id: uuid7() }), undefined);
  await goOnElsewhere(world, at, Buffer.from("four"));
  assert.equal(await elsewhere.sizeOf(key), 4);
  assert.equal((await patch(world, at, Buffer.from(" more"))).headers.get("range"), "0-8");
  await using writing = await elsewhere.take(domain, key, { bringsAll: true });
  assert.equal(writing?.sizeBytes, 9);
});

test("ids that nobody made, and those of uploads that are over, are unknown to every request", async (t) => {
  const world = await createRegistryWorld(t);
  const bytes = randomBytes(100);
  const at = await begin(world);
  const query = `?digest=${sha256(bytes)}`;
  assert.equal((await world.ask("PUT", `${at}${query}`, { body: bytes })).status, 201);
  const over = [at, `/v2/team/app/blobs/uploads/${uuid7()}`];

  for (const each of over) {
    const answers = [
      await world.ask("GET", each),
      await patch(world, each, bytes),
      await world.ask("PUT", `${each}${query}`, { body: bytes }),
      await world.ask("DELETE", each),
    ];
    for (const answer of answers) {
      assert.equal(answer.status, 404);
      assert.deepEqual(await codesOf(answer), ["BLOB_UPLOAD_UNKNOWN"]);
    }
  }
});

test("an upload to a repository that is gone is unknown, whoever was told", async (t) => {
  const world = await createRegistryWorld(t);
  const at = await begin(world);
  await sql`delete from distribution`.execute(world.ctx.db);
  await sql`delete from repository`.execute(world.ctx.db);

  const answer = await patch(world, at, Buffer.from("bytes"));

  assert.equal(answer.status, 404);
  assert.deepEqual(await sessionFiles(world), []);
});

test("an upload whose only PUT was cut off is where it was", async (t) => {
  const world = await createRegistryWorld(t);
  const bytes = randomBytes(200_000);
  const at = await begin(world);
  const socket = connect(Number(new URL(world.origin).port), "127.0.0.1");
  const head = `PUT ${at}?digest=${sha256(bytes)} HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n`;
  socket.write(`${head}authorization: ${world.authorization}\r\n\r\n`);
  socket.write(bytes.subarray(0, 100_000));
  await sleep(100);
  socket.destroy();

  const status = await world.ask("GET", at);
  const done = await world.ask("PUT", `${at}?digest=${sha256(bytes)}`, { body: bytes });

  assert.deepEqual([status.status, status.headers.get("range")], [204, "0-0"]);
  assert.equal(done.status, 201);
});

test("an upload that was begun for one repository is not another one's, though nobody wrote to it", async (t) => {
  const world = await createRegistryWorld(t);
  const bytes = randomBytes(100);
  await begin(world, "team/other");
  const at = await begin(world);

  const there = at.replace("team/app", "team/other");
  const done = await world.ask("PUT", `${there}?digest=${sha256(bytes)}`, { body: bytes });

  assert.equal(done.status, 404);
  assert.equal((await world.ask("GET", at)).status, 204);
});

test("uploads that nobody continued go with their files, others stay", async (t) => {
  const world = await createRegistryWorld(t);
  const [old, young] = [await begin(world), await begin(world)];
  await patch(world, old, Buffer.from("old"));
  await patch(world, young, Buffer.from("young"));
  await sql`
    update container_upload set updated = clock_timestamp() - interval '25 hours'
    where id = ${old.split("/").at(-1)}`.execute(world.ctx.db);

  const sessions = new UploadSessions(world.ctx);
  await sessions.purge();
  await sessions.close();

  assert.equal((await world.ask("GET", old)).status, 404);
  assert.equal((await world.ask("GET", young)).status, 204);
  assert.deepEqual(await sessionFiles(world), [young.split("/").at(-1)]);
});

test("many first uploads to one name make one repository, and others beside them", async (t) => {
  const world = await createRegistryWorld(t);
  const names = ["new/image", "new/image", "one", "two/three"];

  const begun = await Promise.all(
    Array.from({ length: 48 }, (_, n) => world.ask("POST", `/v2/${names[n % 4]}/blobs/uploads/`)),
  );

  assert.deepEqual(new Set(begun.map(({ status }) => status)), new Set([202]));
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from distribution where base_path = 'new/image'`.execute(
    world.ctx.db,
  );
  assert.equal(rows[0]?.n, 1);
});

test("names that are none are refused", async (t) => {
  const world = await createRegistryWorld(t);
  const names = ["Upper/case", "a__b/c", "a//b", "a/b-/c", `${"x".repeat(256)}`, "%00/x"];

  for (const name of names) {
    const answer = await world.ask("POST", `/v2/${name}/blobs/uploads/`);
    const isFine = name === "a__b/c";
    assert.equal(answer.status, isFine ? 202 : 400, name);
    if (!isFine) assert.deepEqual(await codesOf(answer), ["NAME_INVALID"], name);
  }
});

test("a blob of another repository is mounted, by name or from anywhere", async (t) => {
  const world = await createRegistryWorld(t);
  const digest = await world.pushBlob("team/source", "a layer");
  const post = (query: string) => world.ask("POST", `/v2/team/target/blobs/uploads/?${query}`);

  const named = await post(`mount=${digest}&from=team/source`);
  const anywhere = await world.ask("POST", `/v2/team/third/blobs/uploads/?mount=${digest}`);
  const unknown = await post(`mount=${sha256("nothing")}&from=team/source`);
  const nowhere = await post(`mount=${digest}&from=no/such`);

  assert.deepEqual([named.status, anywhere.status], [201, 201]);
  assert.equal(named.headers.get("location"), `/v2/team/target/blobs/${digest}`);
  assert.deepEqual([unknown.status, nowhere.status], [202, 202]);
  assert.equal(await (await world.ask("GET", `/v2/team/target/blobs/${digest}`)).text(), "a layer");
});
