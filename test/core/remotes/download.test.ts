import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  createRemote,
  downloadFile,
  downloadIfChanged,
  openRemote,
} from "#core/remotes/commands.ts";
import type { RemoteColumns, WantedFile } from "#core/remotes/types.ts";
import type { Settings } from "#platform/config/settings.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";
import { answer, createUpstream } from "../../support/upstream.ts";

const sha256 = (text: string | Buffer) => createHash("sha256").update(text).digest("hex");
const body = "0123456789".repeat(20_000);

async function setUp(t: TestContext, values: RemoteColumns = {}, settings: Partial<Settings> = {}) {
  const context = await createContext(t, { settings });
  const upstream = await createUpstream(t);
  const { ctx, domain } = context;
  const id = await createRemote(ctx, {
    domain,
    type: "file.file",
    values: { name: "r", url: `${upstream.url}/`, max_retries: 1, ...values },
  });
  const remote = await openRemote(ctx, domain, id);
  t.after(() => remote[Symbol.asyncDispose]());
  const signal = new AbortController().signal;
  const get = (wanted: WantedFile) => downloadFile(ctx, { domain, remote, wanted, signal });
  return { context, ctx, domain, upstream, remote, signal, get };
}

/** Files that are left in the incoming area. */
async function incoming({ mediaRoot }: TestContextValue): Promise<string[]> {
  const all = await readdir(mediaRoot, { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map(({ name }) => name);
}

test("a file is fetched, hashed and verified", async (t) => {
  const { upstream, get } = await setUp(t);
  upstream.on("/f", answer.file(body));

  const url = `${upstream.url}/f`;
  await using download = (
    await get({ url, sizeBytes: body.length, digests: { sha256: sha256(body).toUpperCase() } })
  ).file;

  assert.equal(download.sizeBytes, body.length);
  assert.equal((await download.read(10, 10)).toString(), "0123456789");
  assert.equal(upstream.requests[0]?.headers["accept-encoding"], "identity");
});

test("a transfer that breaks goes on where it ended", async (t) => {
  const { upstream, get } = await setUp(t);
  upstream.on("/f", answer.inTurn(answer.truncated(body, 150_000), answer.file(body)));

  const { file, sealed } = await get({ url: `${upstream.url}/f` });
  await using _file = file;

  assert.equal(sealed.digests.sha256, sha256(body));
  const [, second] = upstream.asked("/f");
  const offset = Number(/^bytes=(\d+)-$/.exec(String(second?.headers.range))?.[1]);
  assert.ok(offset > 0 && offset <= 150_000, `continued at ${offset}`);
  assert.match(String(second?.headers["if-range"]), /^"/);
});

test("a file that changed meanwhile is fetched from its beginning", async (t) => {
  const { upstream, get } = await setUp(t);
  upstream.on("/f", answer.inTurn(answer.truncated(body, 150_000), answer.file("other")));

  const { file, sealed } = await get({ url: `${upstream.url}/f` });
  await using _file = file;

  assert.equal(sealed.digests.sha256, sha256("other"));
});

test("wrong bytes and sizes fail with the address, and leave nothing", async (t) => {
  const { context, upstream, get } = await setUp(t);
  upstream.on("/bad", answer.corrupted(body));
  upstream.on("/short", answer.file("1234"));
  const digests = { sha256: sha256(body) };

  await assert.rejects(get({ url: `${upstream.url}/bad`, digests }), {
    code: "PLP0003",
    message: new RegExp(
      `^\\[PLP0003\\] A file located at the url ${upstream.url}/bad failed validation due to checksum. Expected '${digests.sha256}', Actual '[0-9a-f]{64}'$`,
    ),
  });
  await assert.rejects(get({ url: `${upstream.url}/short`, sizeBytes: 5 }), {
    message: `[PLP0004] A file located at the url ${upstream.url}/short failed validation due to size. Expected '5', Actual '4'`,
  });
  assert.equal(upstream.asked("/bad").length, 2);
  assert.deepEqual(await incoming(context), []);
});

test("statuses that may pass are tried again, others are not", async (t) => {
  const { upstream, get } = await setUp(t, { max_retries: 2 });
  upstream.on("/busy", answer.inTurn(answer.status(503), answer.status(429), answer.file("x")));
  upstream.on("/down", answer.status(500));

  const { file } = await get({ url: `${upstream.url}/busy` });
  await file[Symbol.asyncDispose]();
  await assert.rejects(get({ url: `${upstream.url}/down` }), {
    message: `[PLP0025] 500, message='Internal Server Error', url='${upstream.url}/down'`,
  });
  await assert.rejects(get({ url: `${upstream.url}/none` }), {
    message: `[PLP0025] 404, message='Not Found', url='${upstream.url}/none'`,
  });

  assert.equal(upstream.asked("/down").length, 3);
  assert.equal(upstream.asked("/none").length, 1);
});

test("no retries means none", async (t) => {
  const { upstream, get } = await setUp(t, { max_retries: 0 });
  upstream.on("/down", answer.status(503));

  await assert.rejects(get({ url: `${upstream.url}/down` }), { code: "PLP0025" });

  assert.equal(upstream.asked("/down").length, 1);
});

test("what never ends is cut at the limit", async (t) => {
  const { context, upstream, get } = await setUp(
    t,
    { max_retries: 0 },
    { MAX_DOWNLOAD_BYTES: 1_000_000 },
  );
  upstream.on("/endless", answer.endless());

  await assert.rejects(get({ url: `${upstream.url}/endless` }), { code: "PLP0004" });
  await assert.rejects(get({ url: `${upstream.url}/endless`, sizeBytes: 10 }), { code: "PLP0004" });

  assert.deepEqual(await incoming(context), []);
});

test("hangs and drips end by the timeouts of the remote", async (t) => {
  const { upstream, get } = await setUp(t, {
    max_retries: 0,
    total_timeout: 0.4,
    sock_read_timeout: 0.2,
  });
  upstream.on("/hang", answer.hanging());
  upstream.on("/drip", answer.dripping(20));

  for (const path of ["/hang", "/drip"])
    await assert.rejects(get({ url: upstream.url + path }), {
      message: `[PLP0005] Request timed out for ${upstream.url}${path}. Increasing the total_timeout value on the remote might help.`,
    });
});

test("digests of forbidden algorithms alone are refused before a connection", async (t) => {
  const { upstream, get } = await setUp(t);

  await assert.rejects(get({ url: `${upstream.url}/f`, digests: { md5: "0".repeat(32) } }), {
    code: "PLP0020",
    message: new RegExp(`${upstream.url}/f`),
  });
  assert.equal(upstream.requests.length, 0);
});

test("conditions spare the body", async (t) => {
  const { ctx, domain, remote, signal, upstream } = await setUp(t);
  upstream.on("/f", answer.file("x"));
  const request = { domain, remote, wanted: { url: `${upstream.url}/f` }, signal };

  const first = await downloadIfChanged(ctx, request, {});
  await first?.file[Symbol.asyncDispose]();
  const second = await downloadIfChanged(ctx, request, {
    "if-none-match": first?.headers.etag ?? "",
  });

  assert.ok(first);
  assert.equal(second, undefined);
});

test("an abort ends waiting, and leaves nothing", async (t) => {
  const { context, ctx, domain, remote, upstream } = await setUp(t, { max_retries: 5 });
  upstream.on("/drip", answer.dripping(10));
  const abort = new AbortController();
  const request = { domain, remote, wanted: { url: `${upstream.url}/drip` }, signal: abort.signal };

  setTimeout(() => abort.abort(), 100);
  await assert.rejects(downloadFile(ctx, request), { name: "AbortError" });

  assert.deepEqual(await incoming(context), []);
});

test("file:// reads below the allowed folders only, links resolved", async (t) => {
  const context = await createContext(t);
  const root = join(context.mediaRoot, "..", `import-${process.pid}`);
  await mkdir(join(root, "data"), { recursive: true });
  await mkdir(join(root, "database"), { recursive: true });
  await writeFile(join(root, "data/a b%20.txt"), "inside");
  await writeFile(join(root, "database/secret"), "outside");
  await symlink(join(root, "database/secret"), join(root, "data/link")).catch(() => undefined);
  const { ctx, domain, remote, signal } = await setUp(
    t,
    { url: `file://${root}/data/PULP_MANIFEST` },
    { ALLOWED_IMPORT_PATHS: [join(root, "data")] },
  );
  const read = (path: string) =>
    downloadFile(ctx, { domain, remote, wanted: { url: `file://${path}` }, signal });

  const { file, sealed } = await read(join(root, "data/a b%20.txt"));
  await file[Symbol.asyncDispose]();
  assert.equal(sealed.digests.sha256, sha256("inside"));
  for (const path of ["data/link", "database/secret", "data/../database/secret"])
    await assert.rejects(read(`${root}/${path}`), {
      message: `The path '${root}/${path}' does not start with any of the allowed import paths`,
    });
  await assert.rejects(read(join(root, "data")), { code: "PLP0027" });
  await assert.rejects(read(join(root, "data/none")), { code: "PLP0025" });
  await assert.rejects(read("relative"), { code: "PLP0009" });
  await assert.rejects(
    downloadFile(ctx, { domain, remote, wanted: { url: "http://127.0.0.1/" }, signal }),
    { code: "PLP0009" },
  );
  assert.equal(await ctx.http.allowsFile(join(root, "data/new/file")), true);
  assert.equal(await ctx.http.allowsFile(join(root, "database")), false);
});
