import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { type Api, createApi } from "../support/api.ts";
import { type Server, startServer } from "../support/server.ts";
import { startTokenRegistry, type TokenRegistry } from "./support/token-registry.ts";

const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";
const bytes = randomBytes(1_500_000);
const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

const stack = new AsyncDisposableStack();
let registry: TokenRegistry;
let server: Server;
let api: Api;

before(async () => {
  registry = stack.use(await startTokenRegistry());
  registry.redirects = true;
  server = stack.use(await startServer({ env: { PULP_DOMAIN_ENABLED: "true" } }));
  api = createApi(server, "/pulp/default/api/v3/");
});
after(() => stack.disposeAsync());

/** A domain in a repository, which serves one file under the name of the domain. */
async function createDomain(name: string, storage_class: string) {
  const { registry: host, ...options } = registry.repository();
  const storage_settings = { ...options, registry: host };
  const made = await api.post("domains/", { name, storage_class, storage_settings });
  const own = createApi(server, `/pulp/${name}/api/v3/`);
  const repository = await own.post("repositories/file/file/", { name, autopublish: false });
  const form = new FormData();
  form.set("file", new Blob([bytes]));
  form.set("relative_path", "large.bin");
  form.set("repository", repository.pulp_href);
  await own.done(await own.post("content/file/files/", form));
  const served = { name, base_path: name, repository: repository.pulp_href };
  await own.done(await own.post("distributions/file/file/", served));
  return { made, own, repository: repository.pulp_href, place: options.repository ?? "" };
}

const contentOf = (name: string, init: RequestInit = {}) =>
  fetch(`${server.contentUrl}/pulp/content/${name}/${name}/large.bin`, {
    redirect: "manual",
    ...init,
  });

test("a domain in a registry publishes an image of its files and sends clients there", async () => {
  const name = "red";
  const { made, own, repository, place } = await createDomain(
    name,
    "pulp_service.app.storage.OCIStorageBackend",
  );
  assert.deepEqual(
    [made.storage_settings.repository, made.storage_settings.registry],
    [place, registry.host],
  );
  assert.deepEqual(made.storage_settings.hidden_fields, [
    { name: "username", is_set: true },
    { name: "password", is_set: true },
  ]);
  assert.ok(!JSON.stringify(made).includes(registry.repository().password ?? "?"));

  const task = await own.done(await own.post("publications/file/file/", { repository }));
  const [publication] = task.created_resources.filter((href: string) => /publications/.test(href));
  const id = /([0-9a-f-]{36})\/$/.exec(publication)?.[1];
  const accept = "application/vnd.oci.image.manifest.v1+json";
  const listed = await registry.ask(`${place}/manifests/publication-${id}`, "GET", { accept });
  const manifest = (await listed.json()) as { layers: { digest: string; size: number }[] };
  const layer = manifest.layers.find((one) => one.digest === digest);
  assert.equal(layer?.size, bytes.length);

  const { status, headers } = await contentOf(name);
  assert.equal(status, 302);
  assert.ok(headers.get("location")?.startsWith(`${registry.cdn}/v2/${place}/blobs/${digest}`));
  const followed = await contentOf(name, { redirect: "follow" });
  assert.equal(Buffer.compare(Buffer.from(await followed.arrayBuffer()), bytes), 0);
  const head = await contentOf(name, { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length")], [200, String(bytes.length)]);
});

test("a domain moves out of a registry, and its files go on", async () => {
  const { own, repository } = await createDomain("blue", "pulp_service.app.storage.OCIStorage");
  await own.done(await own.post("publications/file/file/", { repository }));
  const target = { storage_class: FILE_SYSTEM, storage_settings: { location: "" } };
  await own.done(await own.post("domains/migrate/", target));
  const answer = await contentOf("blue");
  assert.equal(answer.status, 200);
  assert.equal(Buffer.compare(Buffer.from(await answer.arrayBuffer()), bytes), 0);
});

test("a publication whose image is refused is not there", async () => {
  const { own, repository } = await createDomain(
    "green",
    "pulp_service.app.storage.OCIStorageBackend",
  );
  registry.faults.push((request, response) => {
    if (request.method !== "PUT" || !request.url?.includes("/manifests/publication-")) return false;
    request.resume();
    response.writeHead(403).end("not for you");
    return true;
  });
  const task = await own.task(await own.post("publications/file/file/", { repository }));
  assert.equal(task.state, "failed");
  assert.match(task.error.description, /Manifest upload failed: 403 - not for you/);
  assert.equal((await own.get("publications/file/file/")).count, 0);
});

test("where a domain has no account, requests bring theirs, and nobody has another's", async () => {
  const { username, password, ...place } = registry.repository();
  const storage_settings = { ...place, username: "", password: "" };
  const storage_class = "pulp_service.app.storage.OCIStorageBackend";
  const made = await api.post("domains/", { name: "bare", storage_class, storage_settings });
  assert.deepEqual(made.storage_settings.hidden_fields, [
    { name: "username", is_set: false },
    { name: "password", is_set: false },
  ]);
  const own = createApi(server, "/pulp/bare/api/v3/");
  const account = Buffer.from(`${username}:${password}`).toString("base64");
  const upload = (headers: Record<string, string>) => {
    const body = new FormData();
    body.set("file", new Blob([bytes]));
    return own.request("POST", "artifacts/", { body, headers });
  };
  const bare = await upload({});
  assert.equal(bare.status, 503);
  assert.match(await bare.text(), /no account for the registry/);
  const wrong = await upload({ "x-quay-auth": "Basic d3Jvbmc6d3Jvbmc=" });
  assert.equal(wrong.status, 503);
  const right = await upload({ "x-quay-auth": `Basic ${account}` });
  assert.equal(right.status, 201, await right.clone().text());
  const { pulp_href: href } = (await right.json()) as { pulp_href: string };
  assert.equal((await upload({})).status, 503, "no token is shared");

  const { pulp_href: repository } = await own.post("repositories/file/file/", { name: "bare" });
  const unit = new FormData();
  unit.set("artifact", href);
  unit.set("relative_path", "large.bin");
  unit.set("repository", repository);
  await own.done(await own.post("content/file/files/", unit));
  const task = await own.task(await own.post("publications/file/file/", { repository }));
  assert.equal(task.state, "failed");
  assert.match(task.error.description, /no account for the registry/);
});

test("what cannot be a repository or a registry is refused", async () => {
  const options = registry.repository();
  for (const wrong of [
    { repository: "UPPER/case" },
    { repository: "../v2/x" },
    { registry: "https://host" },
    { registry: "host/path" },
    { username: null },
  ]) {
    const storage_settings = { ...options, ...wrong };
    const storage_class = "pulp_service.app.storage.OCIStorageBackend";
    const body = JSON.stringify({ name: "wrong", storage_class, storage_settings });
    const headers = { "content-type": "application/json" };
    const answer = await api.request("POST", "domains/", { body, headers });
    assert.equal(answer.status, 400, JSON.stringify(wrong));
    assert.ok("storage_settings" in ((await answer.json()) as object));
  }
});
