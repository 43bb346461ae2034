import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createApi } from "../support/api.ts";
import { killAll } from "../support/process-tree.ts";
import { freePort, type Server, startServer } from "../support/server.ts";
import { startAzurite } from "./support/azurite.ts";
import { ImageClient } from "./support/image-clients.ts";
import { writeIndexLayout } from "./support/oci-layout.ts";
import { pythonPackages, pythonTool } from "./support/python-tools.ts";
import { startStrictS3 } from "./support/strict-s3.ts";

interface Store extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly options: Readonly<Record<string, string>>;
}

const s3 = async (): Promise<Store> => {
  const server = await startStrictS3();
  return Object.assign(server, { options: await server.bucket() });
};
const azure = async (): Promise<Store> => {
  const server = await startAzurite();
  return Object.assign(server, { options: await server.container() });
};

const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** A server whose files lie in the store, in a home that outlives it. */
class Site implements AsyncDisposable {
  readonly store: Store;
  readonly #stack: AsyncDisposableStack;
  readonly #settings: { home: string; ports: { api: number; content: number } };
  readonly #env: Record<string, string>;
  #server: Server | undefined;

  private constructor(parts: { store: Store; stack: AsyncDisposableStack; home: string }) {
    const { store, stack, home } = parts;
    this.store = store;
    this.#stack = stack;
    this.#settings = { home, ports: { api: 0, content: 0 } };
    this.#env = Object.fromEntries(
      Object.entries(store.options).map(([name, value]) => [
        `PULP_STORAGES__default__OPTIONS__${name}`,
        value,
      ]),
    );
  }

  static async open(storageClass: string, start: () => Promise<Store>): Promise<Site> {
    const stack = new AsyncDisposableStack();
    const store = stack.use(await start());
    const home = await mkdtemp(join(tmpdir(), "deckle-pushes-"));
    stack.defer(() => rm(home, { recursive: true, force: true }));
    const site = new Site({ store, stack, home });
    site.#env.PULP_STORAGES__default__BACKEND = storageClass;
    site.#env.PULP_MEDIA_ROOT = '""';
    site.#env.PULP_TOKEN_AUTH_DISABLED = "true";
    // A process that is silent for so long writes to no upload any more.
    site.#env.PULP_API_APP_TTL = "10";
    Object.assign(site.#settings.ports, { api: await freePort(), content: await freePort() });
    await site.start();
    return site;
  }

  get server(): Server {
    if (!this.#server) throw new Error("the server is not started");
    return this.#server;
  }

  async start(): Promise<void> {
    this.#server = await startServer({ ...this.#settings, env: this.#env });
  }

  /** Ends every process at once, the database too. */
  async kill(): Promise<void> {
    await killAll(await this.server.pids());
    await this.server[Symbol.asyncDispose]();
  }

  registry(path: string, init: RequestInit = {}): Promise<Response> {
    const { username, password, apiUrl } = this.server;
    const pair = Buffer.from(`${username}:${password}`).toString("base64");
    const headers = {
      ...Object.fromEntries(new Headers(init.headers)),
      ...{ authorization: `Basic ${pair}` },
    };
    return fetch(new URL(path, apiUrl), { redirect: "manual", ...init, headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
  }
}

/** The bytes of a blob, which the store itself gives out. */
async function pulled(site: Site, repository: string, digest: string): Promise<Buffer> {
  let answer = await site.registry(`/v2/${repository}/blobs/${digest}`);
  let location = "";
  while (answer.status >= 300 && answer.status < 400) {
    location = new URL(answer.headers.get("location") ?? "", answer.url).href;
    answer = await fetch(location, { redirect: "manual" });
  }
  assert.equal(answer.status, 200);
  assert.ok(location.startsWith(site.store.url), location);
  return Buffer.from(await answer.arrayBuffer());
}

async function begun(site: Site, repository: string): Promise<string> {
  const answer = await site.registry(`/v2/${repository}/blobs/uploads/`, { method: "POST" });
  assert.equal(answer.status, 202, await answer.text());
  return answer.headers.get("location") ?? "";
}

interface Chunk {
  readonly bytes: Buffer;
  readonly start: number;
}

async function patched(site: Site, location: string, { bytes, start }: Chunk): Promise<string> {
  const headers = {
    "content-type": "application/octet-stream",
    "content-range": `${start}-${start + bytes.length - 1}`,
  };
  const answer = await site.registry(location, { method: "PATCH", headers, body: bytes });
  assert.equal(answer.status, 202, await answer.text());
  assert.equal(answer.headers.get("range"), `0-${start + bytes.length - 1}`);
  return answer.headers.get("location") ?? "";
}

async function finished(site: Site, location: string, digest: string): Promise<void> {
  const url = new URL(location, site.server.apiUrl);
  url.searchParams.set("digest", digest);
  const answer = await site.registry(url.href, { method: "PUT" });
  assert.equal(answer.status, 201, await answer.text());
}

const MIB = 1024 * 1024;

async function chunked(site: Site): Promise<void> {
  const bytes = randomBytes(11 * MIB);
  const digest = sha256(bytes);
  const location = await begun(site, "chunks/app");
  const next = await patched(site, location, { bytes: bytes.subarray(0, 5 * MIB), start: 0 });
  const told = await site.registry(next);
  assert.deepEqual([told.status, told.headers.get("range")], [204, `0-${5 * MIB - 1}`]);
  const last = await patched(site, next, { bytes: bytes.subarray(5 * MIB), start: 5 * MIB });
  await finished(site, last, digest);
  assert.equal(Buffer.compare(await pulled(site, "chunks/app", digest), bytes), 0);

  const mount = `/v2/mounted/app/blobs/uploads/?mount=${digest}&from=chunks/app`;
  const mounted = await site.registry(mount, { method: "POST" });
  assert.equal(mounted.status, 201);
  assert.equal(Buffer.compare(await pulled(site, "mounted/app", digest), bytes), 0);
}

async function killed(site: Site): Promise<void> {
  const bytes = randomBytes(11 * MIB);
  const digest = sha256(bytes);
  const first = bytes.subarray(0, 6 * MIB);
  const location = await patched(site, await begun(site, "killed/app"), { bytes: first, start: 0 });
  const rest = bytes.subarray(first.length);
  const half = new ReadableStream({
    start: (controller) => controller.enqueue(rest.subarray(0, 2 * MIB)),
  });
  const headers = { "content-type": "application/octet-stream" };
  const sending = site
    .registry(location, { method: "PATCH", headers, body: half, duplex: "half" })
    .catch(() => undefined);
  await sleep(300);
  await site.kill();
  await sending;

  await site.start();
  const told = await site.registry(location);
  assert.equal(told.status, 204);
  const end = Number(told.headers.get("range")?.split("-")[1]) + 1;
  assert.ok(end >= first.length && end <= first.length + 2 * MIB, String(end));
  const next = told.headers.get("location") ?? location;
  await untilFree(site, next, end);
  const last = await patched(site, next, { bytes: bytes.subarray(end), start: end });
  await finished(site, last, digest);
  assert.equal(Buffer.compare(await pulled(site, "killed/app", digest), bytes), 0);
}

/** An upload is its dead writer's for a while, and refuses an empty chunk as it does any other. */
async function untilFree(site: Site, location: string, start: number): Promise<void> {
  const headers = { "content-type": "application/octet-stream" };
  for (;;) {
    const answer = await site.registry(location, { method: "PATCH", headers });
    await answer.arrayBuffer();
    if (answer.status === 202) return assert.equal(answer.headers.get("range"), `0-${start - 1}`);
    assert.equal(answer.status, 416);
    await sleep(500);
  }
}

async function copied(site: Site, t: TestContext): Promise<void> {
  const client = await ImageClient.create();
  t.after(() => client[Symbol.asyncDispose]());
  const { username, password, apiUrl } = site.server;
  const layout = { name: "multi", architectures: ["amd64", "arm64"] };
  const { digest } = await writeIndexLayout(client.path("layout"), layout);
  const [from, back] = [`oci:${client.path("layout")}:multi`, `oci:${client.path("back")}:multi`];
  const image = `docker://${new URL(apiUrl).host}/copied/app:1`;
  const account = `${username}:${password}`;
  const copy = ["copy", "--all", "--preserve-digests"] as const;
  const to = ["--dest-tls-verify=false", "--dest-creds", account] as const;
  await client.run("skopeo", ...copy, ...to, from, image);
  const out = ["--src-tls-verify=false", "--src-creds", account] as const;
  await client.run("skopeo", ...copy, ...out, image, back);
  const index = JSON.parse(await readFile(join(client.path("back"), "index.json"), "utf8"));
  assert.equal(index.manifests[0].digest, digest);
}

async function published(site: Site, t: TestContext): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-twine-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const api = createApi(site.server);
  const { pulp_href: repository } = await api.post("repositories/python/python/", { name: "p" });
  const served = { name: "p", base_path: "p", repository };
  await api.done(await api.post("distributions/python/pypi/", served));
  const files = (await readdir(pythonPackages)).map((name) => join(pythonPackages, name));
  const { apiUrl, username, password } = site.server;
  const options = { cwd: folder, env: { HOME: folder } };
  const uploaded = await pythonTool(
    "twine",
    [
      ...["upload", "--non-interactive", "--disable-progress-bar"],
      ...["--repository-url", `${apiUrl}/pypi/p/legacy/`, "-u", username, "-p", password],
      ...files,
    ],
    options,
  );
  assert.equal(uploaded.status, 0, uploaded.output);
  const pip = ["--disable-pip-version-check", "--no-cache-dir", "download", "--no-deps"];
  const from = ["-i", `${apiUrl}/pypi/p/simple/`, "-d", join(folder, "down")];
  const down = await pythonTool("pip", [...pip, ...from, "iniconfig", "pluggy"], options);
  assert.equal(down.status, 0, down.output);
  assert.equal((await readdir(join(folder, "down"))).length, 2);
}

for (const [name, storageClass, start] of [
  ["a bucket of S3", "storages.backends.s3.S3Storage", s3],
  ["a container of Azure Blob", "storages.backends.azure_storage.AzureStorage", azure],
] as const) {
  describe(`what is pushed into ${name}`, () => {
    test("comes out again, however it was pushed", async (t) => {
      const site = await Site.open(storageClass, start);
      t.after(() => site[Symbol.asyncDispose]());
      await t.test("images that skopeo copies", (each) => copied(site, each));
      await t.test("a layer in chunks, mounted elsewhere", () => chunked(site));
      await t.test("Python packages", (each) => published(site, each));
      await t.test("a layer whose server was killed in the middle", () => killed(site));
    });
  });
}
