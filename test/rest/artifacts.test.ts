import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { deleteArtifact } from "#core/artifacts/commands.ts";
import { createTestApi, formOf, type TestApi } from "../support/rest-api.ts";

const digest = (algorithm: string, bytes: string): string =>
  createHash(algorithm).update(bytes).digest("hex");

const send = (api: TestApi, bytes: string, fields: Readonly<Record<string, string>> = {}) =>
  api.request("POST", "artifacts/", formOf(fields, [{ name: "file", bytes }]));

test("an artifact is made of a file and found by its digests", async (t) => {
  const api = await createTestApi(t);
  const sha256 = digest("sha256", "hello");

  const { status, body, headers } = await send(api, "hello", { size: "5", sha256 });

  assert.equal(status, 201);
  assert.equal(headers.location, body.pulp_href);
  const { pulp_href, prn, pulp_created, pulp_last_updated, ...rest } = body;
  assert.ok(prn && pulp_created && pulp_last_updated);
  assert.deepEqual(rest, {
    file: `artifact/${sha256.slice(0, 2)}/${sha256.slice(2)}`,
    size: 5,
    md5: null,
    sha1: null,
    sha224: digest("sha224", "hello"),
    sha256,
    sha384: digest("sha384", "hello"),
    sha512: digest("sha512", "hello"),
  });
  const hrefs = async (query: string) =>
    (await api.get(`artifacts/?${query}`)).body.results.map(
      (one: { pulp_href: string }) => one.pulp_href,
    );
  for (const algorithm of ["sha224", "sha256", "sha384", "sha512"]) {
    assert.deepEqual(await hrefs(`${algorithm}=${digest(algorithm, "hello")}`), [pulp_href]);
    assert.deepEqual(await hrefs(`${algorithm}=${digest(algorithm, "x")}`), []);
    assert.deepEqual(await hrefs(`${algorithm}=nonsense`), []);
  }
  assert.deepEqual(await hrefs(`sha256=${sha256.toUpperCase()}`), [pulp_href]);
  assert.equal((await api.get("artifacts/?sha256__in=x")).status, 400);
});

test("what is said about the file must be true, and the bytes new", async (t) => {
  const api = await createTestApi(t);
  await send(api, "known");
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, object])[] = [
    ["new", { size: "4" }, { non_field_errors: ["The size did not match actual size of file."] }],
    ["new", { size: "many" }, { size: ["A valid integer is required."] }],
    [
      "new",
      { sha256: "0".repeat(64) },
      { non_field_errors: ["The sha256 checksum did not match."] },
    ],
    [
      "new",
      { md5: digest("md5", "new") },
      { non_field_errors: ["Checksum algorithms ['md5'] forbidden for this Pulp instance."] },
    ],
    ["new", { other: "x" }, { other: ["Unexpected field"] }],
    [
      "known",
      {},
      {
        non_field_errors: [
          `Artifact with sha256 checksum of '${digest("sha256", "known")}' already exists.`,
        ],
      },
    ],
  ];
  for (const [bytes, fields, detail] of cases) {
    const { status, body } = await send(api, bytes, fields);
    assert.equal(status, 400, JSON.stringify(fields));
    assert.deepEqual(body, detail);
  }
  assert.equal((await api.get("artifacts/")).body.count, 1);
  assert.equal((await send(api, "")).status, 201, "an empty file is a file");
});

const idOf = (prn: string): string => prn.split(":")[2] ?? "";

/** A unit with one file, in version 0 of a repository. */
async function addUnit(api: TestApi, artifact: string, repository: string): Promise<void> {
  const id = uuid7();
  const { num } = api.domain;
  const type = api.ctx.plugins.contentTypeNum("file.file");
  await sql`insert into content (id, domain, type, natural_key)
    values (${id}, ${num}, ${type}, ${randomBytes(32)})`.execute(api.ctx.db);
  await sql`insert into content_artifact (id, domain, content, artifact, relative_path, path_key)
    values (${uuid7()}, ${num}, ${id}, ${artifact}, 'a', ${uuid7()})`.execute(api.ctx.db);
  await sql`insert into membership (repository, added, domain, type, content)
    select num, 0, domain, ${type}, ${id} from repository where id = ${repository}`.execute(
    api.ctx.db,
  );
}

test("artifacts of a version, and those that nothing uses", async (t) => {
  const api = await createTestApi(t);
  const used = (await send(api, "used")).body;
  const free = (await send(api, "free")).body;
  const repository = (await api.post("repositories/file/file/", { name: "r" })).body;
  await addUnit(api, idOf(used.prn), idOf(repository.prn));
  const { ctx } = api;
  await ctx.db.updateTable("artifact").set({ touched: "2020-01-01T00:00:00Z" }).execute();
  const hrefs = async (query: string) =>
    (await api.get(`artifacts/?${query}`)).body.results.map(
      (one: { pulp_href: string }) => one.pulp_href,
    );

  assert.deepEqual(await hrefs("orphaned_for=10"), [free.pulp_href]);
  assert.deepEqual(await hrefs("orphaned_for=-1"), [free.pulp_href]);
  assert.deepEqual(await hrefs("orphaned_for=999999999"), []);
  assert.equal((await api.get("artifacts/?orphaned_for=x")).status, 400);

  for (const value of [repository.pulp_href, repository.prn, repository.latest_version_href]) {
    assert.deepEqual(await hrefs(`repository_version=${value}`), [used.pulp_href]);
  }
  const other = (await api.post("repositories/file/file/", { name: "other" })).body;
  assert.deepEqual(await hrefs(`repository_version=${other.pulp_href}`), []);
  assert.deepEqual((await api.get("artifacts/?repository_version=")).body, [
    "No value supplied for repository version filter",
  ]);
  assert.deepEqual((await api.get("artifacts/?repository_version=x")).body, ["URI not valid: x"]);
});

test("nobody deletes artifacts by request; a used one is not deleted at all", async (t) => {
  const api = await createTestApi(t);
  const { pulp_href, prn } = (await send(api, "x")).body;
  const used = (await send(api, "used")).body;
  const repository = (await api.post("repositories/file/file/", { name: "r" })).body;
  await addUnit(api, idOf(used.prn), idOf(repository.prn));
  assert.equal((await api.request("DELETE", pulp_href)).status, 403);
  assert.equal((await api.request("PATCH", pulp_href)).status, 405);

  await assert.rejects(deleteArtifact(api.ctx, api.domain, idOf(used.prn)), {
    status: 409,
    message: "The Artifact cannot be deleted because it is associated with Content.",
  });
  await deleteArtifact(api.ctx, api.domain, idOf(prn));
  assert.equal((await api.get(pulp_href)).status, 404);
});

test("a file over its limit is refused and leaves nothing", async (t) => {
  const api = await createTestApi(t, { settings: { API_MAX_FILE_SIZE: 10 } });

  const { status, body } = await send(api, "x".repeat(11));

  assert.equal(status, 413);
  assert.deepEqual(body, { detail: "The file is larger than 10 bytes." });
  assert.equal((await send(api, "x".repeat(10))).status, 201);
  assert.equal((await api.get("artifacts/")).body.count, 1);
});
