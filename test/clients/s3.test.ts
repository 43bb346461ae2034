import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Api, createApi } from "../support/api.ts";
import { type Server, startServer } from "../support/server.ts";
import { type Cli, createCli } from "./support/cli.ts";
import { command, head } from "./support/download.ts";
import { type S3Server, startS3 } from "./support/s3-server.ts";

const S3 = "storages.backends.s3.S3Storage";
/** The only name that this CLI knows. */
const S3_OF_OLD = "storages.backends.s3boto3.S3Boto3Storage";
const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";
const large = randomBytes(9 * 1024 * 1024);

const stack = new AsyncDisposableStack();
let s3: S3Server;
let server: Server;
let api: Api;
let pulp: Cli;

/** Everything lies in buckets; the domain `red` sends its clients there, `default` does not. */
before(async () => {
  s3 = stack.use(await startS3());
  const options = Object.entries(await s3.bucket()).map(
    ([name, value]) => [`PULP_STORAGES__default__OPTIONS__${name}`, value] as const,
  );
  const env = {
    ...Object.fromEntries(options),
    PULP_STORAGES__default__BACKEND: S3,
    PULP_MEDIA_ROOT: '""',
    PULP_REDIRECT_TO_OBJECT_STORAGE: "false",
    PULP_DOMAIN_ENABLED: "true",
  };
  server = stack.use(await startServer({ env }));
  pulp = stack.use(await createCli(server));
  api = createApi(server, "/pulp/default/api/v3/");
  await writeFile(join(pulp.folder, "large.bin"), large);
  await writeFile(join(pulp.folder, "small.txt"), "small");
});
after(() => stack.disposeAsync());

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function curl(path: string, ...flags: readonly string[]) {
  const url = `${server.contentUrl}/pulp/content/${path}`;
  return command("curl", ["-sS", ...flags, url], pulp.folder);
}

/** A repository that is served under its name, with both files. */
async function serve(domain: string, name: string): Promise<void> {
  const run = (...args: readonly string[]) => pulp.json("--domain", domain, ...args);
  await run("file", "repository", "create", "--name", name, "--autopublish");
  const served = ["--name", name, "--base-path", name, "--repository", name];
  await run("file", "distribution", "create", ...served);
  for (const file of ["large.bin", "small.txt"]) {
    const upload = ["--file", file, "--relative-path", file, "--repository", name];
    await run("file", "content", "upload", ...upload);
  }
}

test("files go to the bucket and come back through the content app, in ranges too", async () => {
  await serve("default", "here");
  const { status, headers } = head((await curl("default/here/large.bin", "-I")).stdout);
  assert.deepEqual([status, headers["content-length"]], [200, String(large.length)]);
  await curl("default/here/large.bin", "-o", "whole");
  const { stdout: digest } = await command("sha256sum", ["whole"], pulp.folder);
  assert.equal(digest.split(" ")[0], sha256(large));
  const middle = await curl("default/here/large.bin", "-r", "8388600-8388619");
  assert.deepEqual(Buffer.from(middle.stdout, "latin1"), large.subarray(8_388_600, 8_388_620));
  assert.equal((await curl("default/here/small.txt")).stdout, "small");
});

test("a domain with a bucket of its own sends clients there, secrets are not shown", async () => {
  const settings = await s3.bucket();
  const made = await pulp.json(
    ...["domain", "create", "--name", "red", "--storage-class", S3_OF_OLD],
    ...["--storage-settings", JSON.stringify(settings)],
  );
  assert.equal(made.storage_settings.bucket_name, settings.bucket_name);
  assert.equal(made.storage_settings.secret_key, undefined);
  assert.ok(!JSON.stringify(made).includes(settings.secret_key ?? "?"));
  await serve("red", "there");
  const { status, headers } = head((await curl("red/there/large.bin", "-I")).stdout);
  assert.equal(status, 302);
  assert.equal(headers["x-pulp-artifact-size"], String(large.length));
  assert.ok(headers.location?.startsWith(`${s3.url}/${settings.bucket_name}/artifact/`));
  await curl("red/there/large.bin", "-L", "-o", "followed");
  const { stdout: digest } = await command("sha256sum", ["followed"], pulp.folder);
  assert.equal(digest.split(" ")[0], sha256(large));
});

test("a domain moves from a folder to a bucket, and its files go on", async () => {
  const folder = join(pulp.folder, "blue");
  const store = { location: folder };
  await pulp.json(
    ...["domain", "create", "--name", "blue", "--storage-class", FILE_SYSTEM],
    ...["--storage-settings", JSON.stringify(store)],
  );
  await serve("blue", "moving");
  assert.ok((await readdir(folder)).includes("artifact"));
  const blue = createApi(server, "/pulp/blue/api/v3/");
  const target = { storage_class: S3, storage_settings: await s3.bucket() };
  await blue.done(await blue.post("domains/migrate/", target));
  const { status, headers } = head((await curl("blue/moving/large.bin", "-I")).stdout);
  assert.equal(status, 302, headers.location);
  await curl("blue/moving/large.bin", "-L", "-o", "moved");
  const { stdout: digest } = await command("sha256sum", ["moved"], pulp.folder);
  assert.equal(digest.split(" ")[0], sha256(large));
});

test("wrong options stop nothing but their own request", async () => {
  const settings = { ...(await s3.bucket()), bucket_name: "" };
  const refused = await pulp.fails(
    ...["domain", "create", "--name", "green", "--storage-class", S3_OF_OLD],
    ...["--storage-settings", JSON.stringify(settings)],
  );
  assert.match(refused, /This field may not be blank/);
  assert.ok((await api.get("status/")).storage !== undefined);
});
