import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { key128, naturalKey } from "#base/digests.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { PulledFile, PullThrough } from "#delivery/contract.ts";
import { eventually } from "../support/eventually.ts";
import { answer, createUpstream } from "../support/upstream.ts";
import { createSite } from "./site.ts";

const CP = "/pulp/content/";

/** A distribution of nothing but a remote; units are what ends in `.pkg`. */
async function world(
  t: TestContext,
  options: {
    readonly policy?: "on_demand" | "streamed";
    readonly hook?: Partial<PullThrough>;
  } = {},
) {
  const adopted: string[] = [];
  const upstream = await createUpstream(t);
  const site = await createSite(t, {
    handlers: [
      {
        type: "pkg.pkg",
        pullThrough: {
          unitPath: (path) => (path.endsWith(".pkg") ? path : undefined),
          save: (_ctx, pulled) => save(pulled),
          adopt: async (_ctx, _request, id) => void adopted.push(id),
          ...options.hook,
        },
      },
    ],
  });
  const save = async ({ artifact, unitPath, url, remote: from }: PulledFile) => {
    const [content, id] = [uuid7(), uuid7()];
    const { num: domain } = site.domain;
    const type = site.ctx.plugins.contentTypeNum("pkg.pkg");
    await site.ctx.db
      .insertInto("content")
      .values({ id: content, domain, type, natural_key: naturalKey([unitPath]), slot: null })
      .execute();
    await site.ctx.db
      .insertInto("content_artifact")
      .values({
        ...{ id, domain, content, artifact: artifact.id, relative_path: unitPath },
        path_key: key128(unitPath),
      })
      .execute();
    await site.rows.remoteArtifact(id, { remote: from.id, url });
  };
  const remote = await site.rows.remote(`${upstream.url}/root`, options.policy);
  await site.rows.distribution("d", { type: "pkg.pkg", remote });
  return { ...site, upstream, adopted, remote };
}

test("a unit is fetched once, saved, and served from the store afterwards", async (t) => {
  const site = await world(t);
  const bytes = randomBytes(300_000);
  site.upstream.on("/root/a/x%20y.pkg", answer.file(bytes));
  const first = await site.get(`${CP}d/a/x%20y.pkg`);
  assert.equal(Buffer.compare(first.body, bytes), 0);
  assert.equal(first.headers["x-pulp-artifact-size"], String(bytes.length));
  await eventually(async () => {
    const units = await site.ctx.db.selectFrom("content").select("id").execute();
    assert.equal(units.length, 1);
  });

  await eventually(async () => {
    const second = await site.get(`${CP}d/a/x%20y.pkg`);
    assert.equal(second.headers["content-length"], String(bytes.length));
  });
  const cold = await createSite(t, {
    beside: site,
    settings: { RESPONSE_CACHE_BYTES: 0 },
    handlers: [],
  });
  assert.equal((await cold.get(`${CP}d/a/x%20y.pkg`)).status, 404);
  assert.equal(site.upstream.requests.length, 1);
});

test("a known unit of the remote needs three statements and is offered for adoption", async (t) => {
  const site = await world(t);
  const { contentArtifact } = await site.rows.unit("pkg.pkg", { path: "k.pkg", bytes: "known" });
  const url = `${site.upstream.url}/root/k.pkg`;
  await site.rows.remoteArtifact(contentArtifact, { remote: site.remote, url });

  const got = await site.counted(`${CP}d/k.pkg`);

  assert.equal(got.body.toString(), "known");
  assert.ok(got.statements <= 3, `${got.statements}`);
  assert.deepEqual(site.adopted, [contentArtifact]);
  assert.equal(site.upstream.requests.length, 0);
});

test("metadata is passed on and never kept", async (t) => {
  const site = await world(t);
  site.upstream.on("/root/index.json", answer.inTurn(answer.file("one"), answer.file("two")));
  site.upstream.on("/root/dir/", answer.file("directory"));
  assert.equal((await site.get(`${CP}d/index.json`)).body.toString(), "one");
  assert.equal((await site.get(`${CP}d/index.json`)).body.toString(), "two");
  assert.equal((await site.get(`${CP}d/dir/`)).body.toString(), "directory");
  await eventually(async () => assert.deepEqual(await site.incoming(), []));
  const artifacts = await site.ctx.db.selectFrom("artifact").select("id").execute();
  assert.deepEqual(artifacts, []);
});

test("under the policy streamed units are not kept either", async (t) => {
  const site = await world(t, { policy: "streamed" });
  site.upstream.on("/root/a.pkg", answer.file("1"));
  for (let round = 1; round <= 2; round += 1) {
    assert.equal((await site.get(`${CP}d/a.pkg`)).body.toString(), "1");
    assert.equal(site.upstream.requests.length, round);
  }
});

test("the status of the upstream reaches the client, with its address", async (t) => {
  const site = await world(t);
  for (const status of [404, 403, 410, 500, 418]) {
    site.upstream.on(`/root/${status}.json`, answer.status(status));
    const got = await site.get(`${CP}d/${status}.json`);
    assert.equal(got.status, status);
    const url = `${site.upstream.url}/root/${status}.json`;
    assert.ok(
      got.body
        .toString()
        .startsWith(
          `${status}: Error while fetching from upstream remote(${url}): ${status}, message=`,
        ),
      got.body.toString(),
    );
  }
  site.upstream.on("/root/hangup", (_request, response) => response.destroy());
  assert.equal((await site.get(`${CP}d/hangup`)).status, 502);
});

test("a plugin decides about addresses", async (t) => {
  const site = await world(t, {
    hook: { url: (remote, { path }) => (path === "no" ? null : `${remote.url}/by-plugin/${path}`) },
  });
  site.upstream.on("/root/by-plugin/x", answer.file("1"));
  assert.equal((await site.get(`${CP}d/x`)).body.toString(), "1");
  assert.equal((await site.get(`${CP}d/no`)).status, 404);
});

test("HEAD and ranges of what only the upstream knows", async (t) => {
  const site = await world(t);
  site.upstream.on("/root/a.json", answer.file("0123456789"));
  const head = await site.head(`${CP}d/a.json`);
  assert.deepEqual([head.status, head.headers["content-length"]], [200, "10"]);
  const range = await site.get(`${CP}d/a.json`, { range: "bytes=-3" });
  assert.deepEqual([range.status, range.body.toString()], [206, "789"]);
  assert.equal((await site.get(`${CP}d/a.json`, { range: "bytes=10-" })).status, 416);
});
