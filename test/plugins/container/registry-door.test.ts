import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { codesOf, createRegistryWorld, type RegistryWorld } from "./registry-world.ts";

test("clients find the registry, and are told who may come", async (t) => {
  const world = await createRegistryWorld(t);

  const ping = await world.ask("GET", "/v2/");
  const bare = await world.ask("HEAD", "/v2");
  const stranger = await fetch(`${world.origin}/v2/`);

  assert.deepEqual([ping.status, await ping.text()], [200, "{}"]);
  assert.equal(bare.status, 200);
  for (const answer of [ping, stranger]) {
    assert.equal(answer.headers.get("docker-distribution-api-version"), "registry/2.0");
    assert.equal(answer.headers.get("x-registry-supports-signatures"), "1");
    assert.match(answer.headers.get("correlation-id") ?? "", /^[0-9a-f]{32}$/);
  }
  assert.equal(stranger.status, 401);
  assert.ok(stranger.headers.get("www-authenticate"));
  assert.deepEqual(await codesOf(stranger), ["UNAUTHORIZED"]);
});

test("methods and addresses that are none are refused in the registry's words", async (t) => {
  const world = await createRegistryWorld(t);
  await world.pushBlob("team/app", "x");
  const cases = [
    ["PUT", "/v2/", 405, "GET, HEAD"],
    ["POST", "/v2/team/app/tags/list", 405, "HEAD, GET"],
    ["PATCH", "/v2/team/app/manifests/1", 405, "HEAD, GET, PUT, DELETE"],
    ["GET", "/v2/team/app/blobs/uploads/", 405, "POST"],
    ["GET", "/v2/team/app/nothing", 404, null],
    ["GET", "/v2/%zz/tags/list", 404, null],
  ] as const;

  for (const [method, path, status, allow] of cases) {
    const answer = await world.ask(method, path);
    assert.equal(answer.status, status, path);
    assert.equal(answer.headers.get("allow"), allow, path);
    assert.deepEqual(await codesOf(answer), ["UNSUPPORTED"], path);
  }
});

test("repositories may be called like parts of the protocol", async (t) => {
  const world = await createRegistryWorld(t);

  for (const name of ["blobs", "a/blobs/uploads", "manifests/tags", "team/app", "team/app/more"]) {
    await world.pushImage(name, "1");
    const tags = await world.ask("GET", `/v2/${name}/tags/list`);
    assert.deepEqual(await tags.json(), { name, tags: ["1"] });
  }
});

test("the registry lies below each prefix, and its addresses begin with the one that was used", async (t) => {
  const settings = { REGISTRY_MOUNT_PREFIXES: ["/", "/api/pulp/"] } as object;
  const world = await createRegistryWorld(t, { settings });

  const begun = await world.ask("POST", "/api/pulp/v2/team/app/blobs/uploads/");

  assert.match(
    begun.headers.get("location") ?? "",
    /^\/api\/pulp\/v2\/team\/app\/blobs\/uploads\//,
  );
  assert.equal((await world.ask("GET", begun.headers.get("location") ?? "")).status, 204);
});

test("names carry their domain, and nothing crosses domains", async (t) => {
  const settings = { DOMAIN_ENABLED: true };
  const world = await createRegistryWorld(t, { settings });
  await world.ctx.db
    .insertInto("domain")
    .values(await otherDomain(world))
    .execute();

  const digest = await world.pushBlob("default/team/app", "secret");
  const other = await world.ask("GET", `/v2/other/team/app/blobs/${digest}`);
  const crossing = await world.ask(
    "POST",
    `/v2/other/team/app/blobs/uploads/?mount=${digest}&from=default/team/app`,
  );
  const anywhere = await world.ask("POST", `/v2/other/team/app/blobs/uploads/?mount=${digest}`);
  const unknown = await world.ask("POST", "/v2/nowhere/team/app/blobs/uploads/");

  assert.equal(other.status, 404);
  assert.deepEqual([crossing.status, await codesOf(crossing)], [400, ["INVALID_REQUEST"]]);
  assert.equal(anywhere.status, 202);
  assert.match(anywhere.headers.get("location") ?? "", /^\/v2\/other\/team\/app\/blobs\/uploads\//);
  assert.deepEqual([unknown.status, await codesOf(unknown)], [404, ["NAME_UNKNOWN"]]);
  const catalog = await world.ask("GET", "/v2/_catalog");
  assert.deepEqual(await catalog.json(), { repositories: ["default/team/app", "other/team/app"] });
});

async function otherDomain(world: RegistryWorld) {
  const [own] = await world.ctx.db.selectFrom("domain").selectAll().execute();
  const { num: _num, ...rest } = own as NonNullable<typeof own>;
  return {
    ...rest,
    id: "01900000-0000-7000-8000-00000000000d",
    name: "other",
    storage_settings: JSON.stringify({ location: world.mediaRoot }),
  } as never;
}

test("hosts that are not ours are refused", async (t) => {
  const world = await createRegistryWorld(t, { settings: { ALLOWED_HOSTS: ["registry.example"] } });
  const { port } = new URL(world.origin);
  const status = (host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const options = { port, host: "127.0.0.1", path: "/v2/", headers: { host } };
      request(options, (answer) => resolve(answer.resume().statusCode))
        .once("error", reject)
        .end();
    });

  assert.equal(await status("evil.example"), 400);
  assert.equal(await status("registry.example:8080"), 401);
});

test("changes are in the audit trail, with who made them", async (t) => {
  const world = await createRegistryWorld(t);
  await world.pushImage("team/app", "1");
  await world.ask("DELETE", "/v2/team/app/manifests/1");

  const rows = await world.ctx.db
    .selectFrom("audit_entry" as never)
    .select(["operation", "username", "method", "status"] as never[])
    .orderBy("created" as never)
    .execute();

  assert.deepEqual(
    rows.map((row: Record<string, unknown>) => [row.operation, row.username, row.status]),
    [
      ["registry_blob_push", "admin", 201],
      ["registry_blob_push", "admin", 201],
      ["registry_manifest_push", "admin", 201],
      ["registry_tag_delete", "admin", 202],
    ],
  );
});
