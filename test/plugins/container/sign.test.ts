import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { sql } from "kysely";
import { addSigningService, makeOwnKey } from "#core/signing/commands.ts";
import { commitPush } from "#plugins/container/commit.ts";
import { createGpgSigner } from "../../support/gpg-signer.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { imageOf, indexOf, putImage, putManifest, putTag } from "./images.ts";
import {
  createContainerApi,
  DISTRIBUTIONS,
  idOf,
  latestMembers,
  made,
  REPOSITORIES,
} from "./support.ts";

test("a service signs tagged images and the children of indexes", async (t) => {
  const api = await createContainerApi(t);
  const { ctx, caller } = api;
  const key = await createGpgSigner(t);
  const { fingerprint, script, publicKey } = key;
  const kind = "container.ManifestSigningService";
  const service = { name: "signer", kind, fingerprint, script, public_key: publicKey };
  const serviceId = await addSigningService(ctx.db, service);
  const href = `/pulp/api/v3/signing-services/${serviceId}/`;
  assert.equal((await api.get(href)).body.pubkey_fingerprint, fingerprint);
  const repository = await made(api, REPOSITORIES, {
    ...{ name: "r", manifest_signing_service: href },
  });
  assert.equal(repository.manifest_signing_service, href);
  const id = idOf(repository.pulp_href);
  const image = await putImage(api, { layers: ["a"] });
  const child = await putImage(api, { layers: ["b"] });
  const index = indexOf([imageOf({ layers: ["b"] }).facts]);
  const list = await putManifest(api, index);
  const tags = new Map([
    ["1", await putTag(api, "1", image.manifest)],
    ["ml", await putTag(api, "ml", list)],
    ["sha256-x.sig", await putTag(api, "sha256-x.sig", image.manifest)],
  ]);
  await commitPush(ctx, id, { caller, add: [...image.units, ...child.units, list], tags });
  const sign = (json: object) => api.post(`${repository.pulp_href}sign/`, json);

  assert.match((await sign({})).text, /future_base_path.*zero or multiple/);
  await made(api, DISTRIBUTIONS, {
    name: "d",
    base_path: "ns/app",
    repository: repository.pulp_href,
  });
  assert.match((await sign({ future_base_path: "x" })).text, /cannot be set/);
  const task = await endedTask(api, await sign({}));

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.equal(task.name, "pulp_container.app.tasks.sign.sign");
  const signed = (await latestMembers(ctx, id)).filter((text) => text.includes("@"));
  assert.deepEqual(
    signed.map((text) => text.split("@")[0]).sort(),
    [image.digest, child.digest, index.digest].sort(),
  );
  const { body } = await api.get("content/container/signatures/");
  assert.equal(body.count, 3);
  assert.partialDeepStrictEqual(body.results[0], {
    key_id: fingerprint.slice(-16),
    fingerprint,
    creator: "a test",
  });
  const { rows } = await ctx.db
    .withTables<{ container_signature: { manifest: string; body: Buffer } }>()
    .selectFrom("container_signature")
    .select("body")
    .where("manifest", "=", image.manifest)
    .execute()
    .then((all) => ({ rows: all }));
  const file = join(key.home, "stored");
  await writeFile(file, rows[0]?.body ?? "");
  assert.match(key.gpg("--decrypt", file), /"deckle\.example\/ns\/app:1"/);
  const only = await endedTask(api, await sign({ tags_list: ["nothing"] }));
  assert.equal(only.state, "completed");
});

test("what a service may not be, and how it fails", async (t) => {
  const api = await createContainerApi(t);
  const { ctx, caller } = api;
  const add = (name: string, kind: string, script: string) =>
    addSigningService(ctx.db, { name, kind, script, fingerprint: "AB", public_key: "" });
  const other = await add("other", "core.AsciiArmoredDetachedSigningService", "/bin/true");
  const broken = await add("broken", "container.ManifestSigningService", "/bin/false");
  const repository = await made(api, REPOSITORIES, { name: "r" });
  const image = await putImage(api);
  const tags = new Map([["1", await putTag(api, "1", image.manifest)]]);
  await commitPush(ctx, idOf(repository.pulp_href), { caller, add: image.units, tags });
  const path = `${repository.pulp_href}sign/`;
  const sign = (service: string) =>
    api.post(path, {
      manifest_signing_service: `/pulp/api/v3/signing-services/${service}/`,
      future_base_path: "x",
    });

  assert.match(
    (await api.post(path, { future_base_path: "x" })).text,
    /signing_service is not set/,
  );
  assert.match((await sign(other)).text, /'other' is not a manifest signing service/);
  assert.match((await sign(image.manifest)).text, /does not exist/);
  const task = await endedTask(api, await sign(broken));
  assert.equal(task.state, "failed");
  assert.match(task.error?.description ?? "", /signing service 'broken' did not sign/);
});

test("a key that the server keeps signs once for each image and name", async (t) => {
  const api = await createContainerApi(t);
  const { ctx, caller } = api;
  const key = await makeOwnKey(ctx, "Release <release@example.org>");
  const gpg = await createGpgSigner(t);
  const file = join(gpg.home, "own.asc");
  await writeFile(file, key.public_key);
  gpg.gpg("--import", file);
  assert.match(
    gpg.gpg("--with-colons", "--list-keys", key.fingerprint),
    /Release <release@example/,
  );
  const kind = "container.ManifestSigningService";
  const service = await addSigningService(ctx.db, { name: "own", kind, script: "", ...key });
  const repository = await made(api, REPOSITORIES, {
    ...{ name: "r", manifest_signing_service: `/pulp/api/v3/signing-services/${service}/` },
  });
  const id = idOf(repository.pulp_href);
  const image = await putImage(api);
  const names = ["1", "2"];
  const pairs = names.map(async (tag) => [tag, await putTag(api, tag, image.manifest)] as const);
  await commitPush(ctx, id, {
    caller,
    add: image.units,
    tags: new Map(await Promise.all(pairs)),
  });
  const sign = async (path: string) => {
    const body = { future_base_path: path };
    const task = await endedTask(api, await api.post(`${repository.pulp_href}sign/`, body));
    assert.equal(task.state, "completed", JSON.stringify(task.error));
    return (await latestMembers(ctx, id)).filter((text) => text.includes("@")).length;
  };

  assert.equal(await sign("ns/app"), 2);
  assert.equal(await sign("ns/app"), 2, "nothing is signed twice");
  assert.equal(await sign("ns/other"), 4);

  const { rows } = await sql<{ body: Buffer; key_id: string; creator: string }>`
    select body, key_id, creator from container_signature`.execute(ctx.db);
  assert.equal(rows[0]?.creator, "Deckle");
  assert.equal(rows[0]?.key_id, key.fingerprint.slice(-16));
  const [body = Buffer.alloc(0)] = rows.map((row) => row.body);
  await writeFile(file, body);
  assert.match(gpg.gpg("--status-fd", "1", "--decrypt", file), /VALIDSIG/);
  await writeFile(file, Buffer.from(body.toString("latin1").replace("ns/", "xx/"), "latin1"));
  assert.throws(() => gpg.gpg("--decrypt", file), "what was changed is not signed");
  const [stored] = await ctx.db.selectFrom("signing_service").select("private_key").execute();
  assert.match(ctx.secrets.open(stored?.private_key ?? ""), /^-----BEGIN PRIVATE KEY-----/);
  assert.doesNotMatch((await api.get("signing-services/")).text, /PRIVATE|gAAAA/);
});
