import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { access, rm, truncate } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { objectName } from "#core/artifacts/queries.ts";
import type { ContentHandler } from "#delivery/contract.ts";
import { sourcesOf } from "#delivery/source.ts";
import { eventually } from "../support/eventually.ts";
import { type Answer, answer, createUpstream } from "../support/upstream.ts";
import { digestOf } from "./rows.ts";
import { createSite, type SiteOptions } from "./site.ts";

const PATH = "/pulp/content/d/f.txt";
const SMALL = Buffer.from("The quick brown fox");
const LARGE = randomBytes(3_000_000);

interface WorldOptions extends SiteOptions {
  readonly bytes?: Buffer;
  readonly policy?: "on_demand" | "streamed";
  readonly answers: readonly Answer[];
  readonly size?: number | null;
  readonly sha256?: Buffer | null;
}

/** One published unit that nobody has downloaded, offered by one remote per answer. */
async function world(t: TestContext, options: WorldOptions) {
  const { bytes = SMALL, policy = "on_demand" } = options;
  const { size = bytes.length, sha256 = digestOf(bytes) } = options;
  const upstream = await createUpstream(t);
  const site = await createSite(t, options);
  const sources = [];
  for (const [index, each] of options.answers.entries()) {
    upstream.on(`/${index}/f.txt`, each);
    const url = `${upstream.url}/${index}/`;
    const remote = await site.rows.remote(url, policy);
    sources.push({ remote, url: `${url}f.txt`, size, sha256 });
  }
  const at = "2026-08-12T09:30:00Z";
  const { units } = await site.rows.published("d", [{ path: "f.txt", sources, at }]);
  const contentArtifact = units[0]?.contentArtifact ?? "";
  const stored = async () => {
    const row = await site.ctx.db
      .selectFrom("content_artifact")
      .select("artifact")
      .where("id", "=", contentArtifact)
      .executeTakeFirstOrThrow();
    return row.artifact !== null;
  };
  const failed = async () => {
    const rows = await site.ctx.db.selectFrom("remote_artifact").select("failed_at").execute();
    return rows.filter(({ failed_at }) => failed_at !== null).length;
  };
  return { ...site, upstream, stored, failed, sources, contentArtifact };
}

/** In pieces, so that some bytes are out before the end is known. */
const inPieces =
  (bytes: Buffer, pieces = 20, pauseMs = 5): Answer =>
  async (_request, response) => {
    response.writeHead(200, {
      "content-length": bytes.length,
      "content-type": "text/x-up",
      "x-up": "1",
    });
    const step = Math.ceil(bytes.length / pieces);
    for (let start = 0; start < bytes.length; start += step) {
      response.write(bytes.subarray(start, start + step));
      await sleep(pauseMs);
    }
    response.end();
  };

test("streams and saves; the next is a hit without upstream", async (t) => {
  const site = await world(t, {
    answers: [inPieces(LARGE)],
    bytes: LARGE,
    settings: { CACHE_ENABLED: true },
  });

  const first = await site.get(PATH);
  assert.equal(first.status, 200);
  assert.equal(Buffer.compare(first.body, LARGE), 0);
  assert.equal(first.headers["transfer-encoding"], "chunked");
  assert.equal(first.headers["content-length"], undefined);
  assert.equal(first.headers["x-pulp-artifact-size"], String(LARGE.length));
  assert.equal(first.headers["x-pulp-cache"], undefined);
  assert.equal(first.headers["content-type"], "text/x-up");
  assert.equal(first.headers["x-up"], "1");
  assert.equal(first.headers.etag, `"${digestOf(LARGE).toString("hex")}"`);
  assert.equal(first.headers["last-modified"], "Wed, 12 Aug 2026 09:30:00 GMT");

  await eventually(async () => assert.ok(await site.stored()));
  await eventually(async () => assert.deepEqual(await site.incoming(), []));
  const second = await site.get(PATH);
  assert.equal(Buffer.compare(second.body, LARGE), 0);
  assert.equal(second.headers["x-pulp-cache"], "HIT");
  assert.equal(second.headers["content-length"], String(LARGE.length));
  assert.equal(second.headers["content-type"], "text/plain");
  assert.equal(site.upstream.requests.length, 1);
});

test("a request that looked before a file was saved, and asks after it, gets what was saved", async (t) => {
  const hasLooked = Promise.withResolvers<void>();
  const mayGoOn = Promise.withResolvers<void>();
  let isLate = true;
  const handler: ContentHandler = {
    type: "doc.doc",
    async resolve(ctx, request) {
      if (request.headers["x-late"] === undefined || !isLate) return undefined;
      isLate = false;
      const sources = await sourcesOf(ctx, request.match, site.contentArtifact);
      hasLooked.resolve();
      await mayGoOn.promise;
      const { contentArtifact } = site;
      return { kind: "upstream", contentArtifact, sources, path: request.path, at: null };
    },
  };
  const site = await world(t, { answers: [answer.file(SMALL)], handlers: [handler] });

  const late = site.get(PATH, { "x-late": "1" });
  await hasLooked.promise;
  assert.equal((await site.get(PATH)).body.toString(), SMALL.toString());
  await eventually(async () => assert.deepEqual(await site.incoming(), []));
  mayGoOn.resolve();

  assert.equal((await late).body.toString(), SMALL.toString());
  assert.equal(site.upstream.requests.length, 1);
});

test("under the policy streamed nothing is kept", async (t) => {
  const site = await world(t, { answers: [answer.file(SMALL)], policy: "streamed" });
  for (let round = 1; round <= 2; round += 1) {
    assert.equal((await site.get(PATH)).body.toString(), SMALL.toString());
    assert.equal(site.upstream.requests.length, round);
  }
  assert.equal(await site.stored(), false);
  await eventually(async () => assert.deepEqual(await site.incoming(), []));
});

test("goes on to be saved when the client leaves", async (t) => {
  const site = await world(t, { answers: [inPieces(LARGE, 30, 10)], bytes: LARGE });
  await new Promise<void>((resolve, reject) => {
    const request = httpRequest({ port: site.port, path: PATH, agent: false }, (response) => {
      response.once("data", () => {
        request.destroy();
        resolve();
      });
    });
    request.on("error", reject).end();
  });
  await eventually(async () => assert.ok(await site.stored()));
  assert.equal(Buffer.compare((await site.get(PATH)).body, LARGE), 0);
  assert.equal(site.upstream.requests.length, 1);
});

test("a streamed download ends when the last client has left", async (t) => {
  const site = await world(t, {
    ...{ answers: [answer.endless()], policy: "streamed", size: null, sha256: null },
  });
  await new Promise<void>((resolve, reject) => {
    const request = httpRequest({ port: site.port, path: PATH, agent: false }, (response) => {
      response.once("data", () => {
        request.destroy();
        resolve();
      });
    });
    request.on("error", reject).end();
  });
  await eventually(() => assert.equal(site.upstream.load.now, 0));
  await eventually(async () => assert.deepEqual(await site.incoming(), []));
});

test("fifty clients make one upstream request and all get the bytes", async (t) => {
  const site = await world(t, { answers: [inPieces(LARGE, 20, 10)], bytes: LARGE });
  const all = await Promise.all(Array.from({ length: 50 }, () => site.get(PATH)));
  for (const { status, body } of all) {
    assert.equal(status, 200);
    assert.equal(Buffer.compare(body, LARGE), 0);
  }
  assert.equal(site.upstream.requests.length, 1);
  await eventually(async () => assert.deepEqual(await site.incoming(), []));
});

test("who comes while a download is put away gets the bytes all the same", async (t) => {
  const site = await world(t, { answers: [answer.file(SMALL)] });
  const storage = site.ctx.storage(site.domain);
  const begun = Promise.withResolvers<void>();
  const allowed = Promise.withResolvers<void>();
  const beginFile = storage.beginFile.bind(storage);
  storage.beginFile = async () => {
    const file = await beginFile();
    const dispose = file[Symbol.asyncDispose].bind(file);
    file[Symbol.asyncDispose] = async () => {
      begun.resolve();
      await allowed.promise;
      await dispose();
    };
    return file;
  };
  Object.assign(site.ctx, { storage: () => storage });
  await sql`create function refuse() returns trigger language plpgsql as
    $$begin raise 'the row stays as it is'; end$$`.execute(site.ctx.db);
  await sql`create trigger refuse before update on content_artifact
    for each row execute function refuse()`.execute(site.ctx.db);

  assert.equal((await site.get(PATH)).body.toString(), SMALL.toString());
  await begun.promise;
  const late = await site.get(PATH);
  allowed.resolve();
  assert.equal(late.status, 200);
  assert.equal(late.body.toString(), SMALL.toString());
  await eventually(async () => assert.deepEqual(await site.incoming(), []));
});

test("a reused artifact of the same bytes", async (t) => {
  const site = await world(t, { answers: [answer.file(SMALL)] });
  await site.rows.artifact(SMALL);
  assert.equal((await site.get(PATH)).status, 200);
  await eventually(async () => assert.ok(await site.stored()));
  const { n } = await site.ctx.db
    .selectFrom("artifact")
    .select((e) => e.fn.countAll<number>().as("n"))
    .executeTakeFirstOrThrow();
  assert.equal(n, 1);
});

test("HEAD is answered from what is known, and fetches in the background", async (t) => {
  const site = await world(t, { answers: [inPieces(LARGE, 20, 20)], bytes: LARGE });
  const head = await site.head(PATH);
  assert.equal(head.status, 200);
  assert.equal(head.headers["content-length"], String(LARGE.length));
  assert.equal(head.headers["x-pulp-artifact-size"], String(LARGE.length));
  assert.equal(await site.stored(), false);
  await eventually(async () => assert.ok(await site.stored()));
});

const n = LARGE.length;
const cases: readonly [string, number, Buffer | undefined, string][] = [
  ["bytes=10-19", 206, LARGE.subarray(10, 20), `bytes 10-19/${n}`],
  ["bytes=2999990-", 206, LARGE.subarray(2_999_990), `bytes 2999990-2999999/${n}`],
  ["bytes=-5", 206, LARGE.subarray(n - 5), `bytes ${n - 5}-${n - 1}/${n}`],
  ["bytes=5-99999999", 206, LARGE.subarray(5), `bytes 5-${n - 1}/${n}`],
  [`bytes=${n}-`, 416, undefined, `bytes */${n}`],
  ["bytes=1-2,4-5", 416, undefined, `bytes */${n}`],
];
for (const isSizeKnown of [true, false]) {
  test(`ranges, with the size ${isSizeKnown ? "known" : "told by the upstream"}`, async (t) => {
    for (const [range, status, expected, contentRange] of cases) {
      const site = await world(t, {
        ...{ answers: [inPieces(LARGE, 4)], bytes: LARGE, size: isSizeKnown ? n : null },
      });
      const got = await site.get(PATH, { range });
      assert.equal(got.status, status, range);
      assert.equal(got.headers["content-range"], contentRange, range);
      if (expected) {
        assert.equal(Buffer.compare(got.body, expected), 0, range);
        assert.equal(got.headers["content-length"], String(expected.length), range);
        await eventually(async () => assert.ok(await site.stored()));
      }
    }
  });
}

test("304 needs no upstream", async (t) => {
  const site = await world(t, { answers: [answer.file(SMALL)] });
  const etag = `"${digestOf(SMALL).toString("hex")}"`;
  assert.equal((await site.get(PATH, { "if-none-match": etag })).status, 304);
  const since = "Wed, 12 Aug 2026 09:30:00 GMT";
  assert.equal((await site.get(PATH, { "if-modified-since": since })).status, 304);
  assert.equal(site.upstream.requests.length, 0);
});

for (const bytes of [SMALL, LARGE]) {
  test(`wrong bytes (${bytes.length}): broken, then 404, then again after the cool-down`, async (t) => {
    const site = await world(t, {
      bytes,
      answers: [answer.inTurn(answer.corrupted(bytes), answer.file(bytes))],
    });
    const first = await site.get(PATH);
    assert.equal(first.isBroken, true);
    assert.ok(first.body.length < bytes.length);
    assert.equal(await site.failed(), 1);
    assert.equal(await site.stored(), false);
    await eventually(async () => assert.deepEqual(await site.incoming(), []));

    await sleep(1100);
    assert.equal((await site.get(PATH)).status, 404);
    assert.equal(site.upstream.requests.length, 1);

    await site.ctx.db
      .updateTable("remote_artifact")
      .set({ failed_at: "2020-01-01T00:00:00Z" })
      .execute();
    await sleep(1100);
    assert.equal(Buffer.compare((await site.get(PATH)).body, bytes), 0);
  });
}

test("wrong bytes of a file that fits in one piece: the next source, unnoticed", async (t) => {
  const site = await world(t, { answers: [answer.corrupted(SMALL), answer.file(SMALL)] });
  const got = await site.get(PATH);
  assert.deepEqual([got.status, got.body.toString()], [200, SMALL.toString()]);
  assert.equal(await site.failed(), 1);
});

const lies: Readonly<Record<string, Answer>> = {
  "closes early": answer.truncated(LARGE, 1_000_000),
  "sends more than was declared": inPieces(Buffer.concat([LARGE, LARGE]), 10),
  "sends less than was declared": inPieces(LARGE.subarray(0, 2_000_000), 10),
};
for (const [name, lie] of Object.entries(lies)) {
  test(`one that ${name} is never a clean end`, async (t) => {
    const site = await world(t, { answers: [lie], bytes: LARGE });
    const got = await site.get(PATH);
    assert.equal(got.isBroken, true);
    assert.equal(await site.stored(), false);
    await eventually(async () => assert.deepEqual(await site.incoming(), []));
  });
}

const refusals: Readonly<Record<string, Answer>> = {
  "404": answer.status(404),
  "403": answer.status(403),
  "500": answer.status(500),
  "hangs up": (_request, response) => response.destroy(),
};
for (const [name, refusal] of Object.entries(refusals)) {
  test(`${name}: the next source, else 404`, async (t) => {
    const two = await world(t, { answers: [refusal, answer.file(SMALL)] });
    assert.equal((await two.get(PATH)).body.toString(), SMALL.toString());
    const one = await world(t, { answers: [refusal] });
    const got = await one.get(PATH);
    assert.deepEqual([got.status, got.body.toString()], [404, "404: Not Found"]);
    assert.equal(await one.failed(), 0);
  });
}

test("what may pass is tried again before the first byte", async (t) => {
  const site = await world(t, {
    answers: [answer.inTurn(answer.status(503, { "retry-after": "0" }), answer.file(SMALL))],
  });
  await site.ctx.db.updateTable("remote").set({ max_retries: 2 }).execute();
  assert.equal((await site.get(PATH)).status, 200);
  assert.equal(site.upstream.requests.length, 2);
});

test("redirects are followed", async (t) => {
  const site = await world(t, { answers: [answer.redirect("/elsewhere")] });
  site.upstream.on("/elsewhere", answer.file(SMALL));
  assert.equal((await site.get(PATH)).body.toString(), SMALL.toString());
});

test("no source at all: 404", async (t) => {
  const site = await world(t, { answers: [] });
  assert.equal((await site.get(PATH)).status, 404);
  assert.equal((await site.head(PATH)).status, 404);
});

test("a digest that this service does not keep is no proof", async (t) => {
  const site = await world(t, { answers: [answer.file(SMALL)], sha256: null });
  await site.ctx.db
    .updateTable("remote_artifact")
    .set({ other_digests: JSON.stringify({ md5: "0".repeat(32) }) })
    .execute();
  assert.equal((await site.get(PATH)).status, 404);
  assert.equal(site.upstream.requests.length, 0);
});

test("a hanging one is left when the server stops", async (t) => {
  const site = await world(t, { answers: [answer.hanging()] });
  const hanging = site.get(PATH);
  await eventually(() => assert.equal(site.upstream.requests.length, 1));
  await site.server.close(AbortSignal.timeout(200));
  assert.equal((await hanging).isBroken, true);
  assert.deepEqual(await site.incoming(), []);
});

test("alternate content sources come first", async (t) => {
  const site = await world(t, { answers: [answer.status(500)] });
  site.upstream.on("/acs/f.txt", answer.file(SMALL));
  const remote = await site.rows.remote(`${site.upstream.url}/acs/`);
  const { contentArtifact } = await site.rows.unit("doc.doc", { path: "other.txt" });
  const url = `${site.upstream.url}/acs/f.txt`;
  await site.rows.remoteArtifact(contentArtifact, { remote, url, sha256: digestOf(SMALL) });
  await site.ctx.db
    .insertInto("alternate_content_source")
    .values({ id: uuid7(), domain: site.domain.num, type: "doc.doc", name: "acs", remote })
    .execute();

  assert.equal((await site.get(PATH)).body.toString(), SMALL.toString());
  assert.deepEqual(
    site.upstream.requests.map(({ path }) => path),
    ["/acs/f.txt"],
  );
  await eventually(async () => assert.ok(await site.stored()));
});

for (const [kind, harm] of Object.entries({
  missing: (file: string) => rm(file),
  truncated: (file: string) => truncate(file, 4),
})) {
  test(`a stored file that is ${kind} is fetched again`, async (t) => {
    const site = await world(t, { answers: [answer.file(SMALL)] });
    await site.get(PATH);
    await eventually(async () => assert.ok(await site.stored()));
    const cold = await createSite(t, { settings: { RESPONSE_CACHE_BYTES: 0 }, beside: site });
    await harm(join(site.mediaRoot, objectName(site.domain, digestOf(SMALL).toString("hex"))));

    assert.equal((await cold.get(PATH)).body.toString(), SMALL.toString());
    await eventually(async () => {
      const again = await cold.get(PATH);
      assert.equal(again.headers["content-length"], String(SMALL.length));
    });
    assert.equal(site.upstream.requests.length, 2);
  });
}

test("a request that saw a file missing takes the one that came meanwhile", async (t) => {
  const held = Promise.withResolvers<void>();
  const waiting: Answer = async (request, response) => {
    await held.promise;
    await answer.file(SMALL)(request, response);
  };
  const site = await world(t, { answers: [answer.inTurn(answer.file(SMALL), waiting)] });
  await site.get(PATH);
  await eventually(async () => assert.ok(await site.stored()));
  const cold = await createSite(t, { settings: { RESPONSE_CACHE_BYTES: 0 }, beside: site });
  const file = join(site.mediaRoot, objectName(site.domain, digestOf(SMALL).toString("hex")));
  await rm(file);

  const first = cold.get(PATH);
  await eventually(() => assert.equal(site.upstream.requests.length, 2));
  const second = await site.ctx.db.transaction().execute(async (trx) => {
    await sql`lock table remote_artifact in access exclusive mode`.execute(trx);
    const response = cold.get(PATH);
    await eventually(async () => {
      const blocked = sql`select 1 from pg_locks where not granted
        and relation = 'remote_artifact'::regclass`;
      assert.equal((await blocked.execute(trx)).rows.length, 1);
    });
    held.resolve();
    await first;
    await eventually(() => access(file));
    // Time to end the download: it must not be there any more to be joined.
    await sleep(100);
    return { response };
  });

  assert.equal((await second.response).body.toString(), SMALL.toString());
  assert.equal(site.upstream.requests.length, 2);
});

test("credentials that an upstream sends back stand neither in the answer nor in the log", async (t) => {
  const [username, password] = ["name of eve", "password of eve"];
  const echo: Answer = ({ headers }, response) => {
    const token = headers.authorization?.replace("Basic ", "") ?? "";
    const opened = Buffer.from(token, "base64").toString();
    response.writeHead(401, `${token} ${opened}`).end(opened);
  };
  const site = await world(t, { answers: [echo] });
  const { seal } = site.ctx.secrets;
  await site.ctx.db
    .updateTable("remote")
    .set({ username: seal(username), password: seal(password) })
    .execute();

  const { status, body, headers } = await site.get(PATH);

  assert.ok(status >= 400);
  assert.match(site.upstream.requests[0]?.headers.authorization ?? "", /^Basic /);
  const said = [body.toString(), JSON.stringify(headers), ...site.logged].join("\n");
  assert.match(said, /Download of .* failed: .*401.*\*\*\*/);
  const token = Buffer.from(`${username}:${password}`).toString("base64");
  for (const text of [username, password, token]) assert.ok(!said.includes(text), said);
});

test("what a source's address says in its query stands in no log and in no answer", async (t) => {
  const wrong = answer.file("something else");
  const site = await world(t, { answers: [wrong], size: null });
  const url = sql<string>`url || '?sig=canary-of-the-address'`;
  await site.ctx.db.updateTable("remote_artifact").set({ url }).execute();
  const { status, body, reason } = await site.get(PATH).catch(() => ({
    ...{ status: 0, body: Buffer.alloc(0), reason: "" },
  }));
  assert.notEqual(status, 200);
  await eventually(async () =>
    assert.match(site.logged.join("\n"), /Download of .*f\.txt\?… failed/),
  );
  assert.doesNotMatch(`${site.logged.join("\n")} ${reason} ${body}`, /canary/);
});
