import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { SORTED_AT_ONCE } from "#plugins/python/index/members.ts";
import { seedPackages } from "../../../bench/seed/packages.ts";
import { createIndex } from "./index-world.ts";

const PROJECTS = Number(process.env.DECKLE_LIST_PROJECTS ?? SORTED_AT_ONCE + 1000);
const JSON_TYPE = "application/vnd.pypi.simple.v1+json";

/** An index of so many projects that their list is not made in memory. */
async function longIndex(t: Parameters<typeof createIndex>[0], settings: object = {}) {
  const index = await createIndex(t, { settings });
  const { api, repository } = index;
  await seedPackages(api.url, `/${repository}/`, [
    { prefix: "project", projects: PROJECTS, files: 1 },
  ]);
  const list = async (more: Readonly<Record<string, string>> = {}) => {
    const headers = { accept: JSON_TYPE, host: "localhost", ...more };
    let answer: Awaited<ReturnType<typeof api.app.inject>> | undefined;
    const statements = await api.statementsOf(async () => {
      answer = await api.app.inject({ url: "/pypi/team/index/simple/", headers });
    });
    if (!answer) throw new Error("There is no answer.");
    const { statusCode: status, rawPayload: bytes } = answer;
    return { status, headers: answer.headers, bytes, statements: statements.length };
  };
  return { ...index, list };
}

const GZIP = { "accept-encoding": "gzip" };

test("a long list is read once, and sent from memory in every encoding afterwards", async (t) => {
  const { list, add } = await longIndex(t);

  const first = await list();
  const again = await list();
  const packed = await list(GZIP);
  const same = await list({ ...GZIP, "if-none-match": String(packed.headers.etag) });

  assert.equal(first.status, 200);
  const { projects } = JSON.parse(String(first.bytes)) as { projects: { name: string }[] };
  assert.equal(new Set(projects.map(({ name }) => name)).size, PROJECTS);
  assert.deepEqual(again.bytes, first.bytes);
  assert.equal(gunzipSync(packed.bytes).toString(), String(first.bytes));
  assert.equal(same.status, 304);
  assert.notEqual(packed.headers.etag, first.headers.etag);
  assert.ok(first.statements > PROJECTS / 5000, `${first.statements} statements`);
  for (const { statements } of [again, packed, same]) assert.ok(statements <= 2, `${statements}`);

  await add({ filename: "new-1.tar.gz", name: "new", version: "1" });
  const changed = await list();
  assert.match(String(changed.bytes), /"new"/);
  assert.notEqual(changed.headers.etag, first.headers.etag);
});

test("a list that is larger than the cache takes is sent all the same", async (t) => {
  const { list } = await longIndex(t, { PYTHON_INDEX_CACHE_BYTES: 1000 });

  const [first, again] = [await list(GZIP), await list(GZIP)];

  assert.deepEqual(again.bytes, first.bytes);
  assert.equal(again.statements, first.statements);
  const { projects } = JSON.parse(gunzipSync(first.bytes).toString());
  assert.equal(projects.length, PROJECTS);
});
