import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createTestApi, formOf, ROOT, type TestApi } from "../support/rest-api.ts";

const sha256 = (bytes: string): string => createHash("sha256").update(bytes).digest("hex");

interface Sent {
  readonly range?: string;
  readonly sha256?: string;
}

function put(api: TestApi, href: string, bytes: string, { range, sha256: sum }: Sent) {
  const form = formOf(sum === undefined ? {} : { sha256: sum }, [{ name: "file", bytes }]);
  const headers = { ...form.headers, ...(range === undefined ? {} : { "content-range": range }) };
  return api.request("PUT", href, { ...form, headers });
}

test("an upload takes chunks in any order and is committed by a task", async (t) => {
  const api = await createTestApi(t);
  const { status, body } = await api.post("uploads/", { size: 10 });
  assert.equal(status, 201);
  const { pulp_href, prn, pulp_created, pulp_last_updated, ...rest } = body;
  assert.ok(pulp_created && pulp_last_updated);
  assert.deepEqual(rest, { size: 10 });

  const second = await put(api, pulp_href, "56789", { range: "bytes 5-9/10" });
  assert.equal(second.status, 200, second.text);
  assert.deepEqual(Object.keys(second.body).toSorted(), [
    ...["prn", "pulp_created", "pulp_href", "pulp_last_updated", "size"],
  ]);
  await put(api, pulp_href, "xxxxx", { range: "bytes 0-4/*" });
  await put(api, pulp_href, "01234", { range: "bytes 0-4/10", sha256: sha256("01234") });
  assert.deepEqual((await api.get(pulp_href)).body.chunks, [
    { offset: 0, size: 5 },
    { offset: 5, size: 5 },
  ]);

  const commit = await api.post(`${pulp_href}commit/`, {
    sha256: sha256("0123456789").toUpperCase(),
  });
  assert.equal(commit.status, 202);
  const task = (await api.get(commit.body.task)).body;
  assert.equal(task.name, "pulpcore.app.tasks.upload.commit");
  assert.deepEqual(task.reserved_resources_record, [
    prn,
    `shared:prn:core.domain:${api.domain.id}`,
  ]);
});

test("chunks that do not fit are refused and change nothing", async (t) => {
  const api = await createTestApi(t);
  const { pulp_href } = (await api.post("uploads/", { size: 10 })).body;
  await put(api, pulp_href, "01234", { range: "bytes 0-4/10" });
  const before = (await api.get(pulp_href)).body;
  const cases: readonly (readonly [string, Sent, unknown])[] = [
    ["x", {}, { non_field_errors: ["Invalid or missing content range header."] }],
    [
      "x",
      { range: "bytes 5-4/10" },
      { non_field_errors: ["Invalid or missing content range header."] },
    ],
    ["x", { range: "5-5/10" }, { non_field_errors: ["Invalid or missing content range header."] }],
    [
      "x",
      { range: "bytes 5-6/10" },
      { non_field_errors: ["Chunk size does not match content range."] },
    ],
    [
      "xx",
      { range: "bytes 9-10/10" },
      { non_field_errors: ["End byte is greater than upload size."] },
    ],
    [
      "x",
      { range: "bytes 5-5/10", sha256: sha256("y") },
      ["Checksum does not match chunk upload."],
    ],
  ];
  for (const [bytes, sent, detail] of cases) {
    const { status, body } = await put(api, pulp_href, bytes, sent);
    assert.equal(status, 400, JSON.stringify(sent));
    assert.deepEqual(body, detail);
  }
  const none = await api.request("PUT", pulp_href, formOf({}));
  assert.deepEqual(none.body, { file: ["No file was submitted."] });
  assert.deepEqual((await api.get(pulp_href)).body, before);
});

test("a commit names missing bytes and wants a digest", async (t) => {
  const api = await createTestApi(t);
  const { pulp_href } = (await api.post("uploads/", { size: 10 })).body;
  await put(api, pulp_href, "34", { range: "bytes 3-4/10" });
  const commit = (json: object) => api.post(`${pulp_href}commit/`, json);

  assert.deepEqual((await commit({})).body, { sha256: ["This field is required."] });
  assert.deepEqual((await commit({ sha256: "x" })).body, {
    sha256: ["Enter 64 hexadecimal digits."],
  });
  const hole = await commit({ sha256: sha256("0123456789") });
  assert.equal(hole.status, 400);
  assert.deepEqual(hole.body, {
    non_field_errors: ["The upload is incomplete. Missing bytes: 0-2, 5-9."],
  });
  assert.equal((await api.get(pulp_href)).status, 200);
});

test("uploads are listed, filtered, deleted, and never patched", async (t) => {
  const api = await createTestApi(t);
  for (const size of [1, 5, 9]) await api.post("uploads/", { size });
  const sizes = async (query: string) =>
    (await api.get(`uploads/?${query}`)).body.results.map(({ size }: { size: number }) => size);

  assert.deepEqual(await sizes(""), [9, 5, 1]);
  assert.deepEqual(await sizes("size=5"), [5]);
  assert.deepEqual(await sizes("size__gt=1&size__lt=9"), [5]);
  assert.deepEqual(await sizes("size__range=1,5&ordering=size"), [1, 5]);
  assert.equal((await api.get("uploads/?size=99999999999999999999")).status, 400);
  const [{ pulp_href, chunks }] = (await api.get("uploads/")).body.results;
  assert.equal(chunks, undefined);

  assert.equal((await api.request("PATCH", pulp_href)).status, 405);
  assert.equal((await api.request("DELETE", pulp_href)).status, 204);
  assert.equal((await api.request("DELETE", pulp_href)).status, 404);
  const missing = await put(api, pulp_href, "x", { range: "bytes 0-0/1" });
  assert.equal(missing.status, 404);
  assert.deepEqual(missing.body, { detail: "No Upload matches the given query." });
  assert.equal(pulp_href.startsWith(`${ROOT}uploads/`), true);
});
