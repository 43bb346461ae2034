import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { appendFile, mkdtemp, open, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Answer } from "../support/api.ts";
import { createFileUpstream, type FileUpstream } from "../support/file-upstream.ts";
import { watchMemory } from "../support/memory-watch.ts";
import { blackBox } from "./support/black-box.ts";
import { command, head } from "./support/download.ts";

/** Files of the upstream; a nightly run may ask for 300 000. */
const COUNT = Number(process.env.DECKLE_MIRROR_FILES ?? 10_000);
/** Bytes of the one large file. */
const LARGE = Number(process.env.DECKLE_MIRROR_LARGE ?? 1 << 30);
/** The peak of the child that syncs. */
const PEAK_BYTES = 200e6;

let upstream: FileUpstream;
const box = blackBox({}, async (_box, stack) => {
  upstream = stack.use(await createFileUpstream(COUNT));
});

interface Mirror {
  readonly repository: string;
  readonly remote: string;
  readonly seconds: number;
  readonly peak: number;
  readonly task: Answer;
}

async function mirror(name: string, policy: string): Promise<Mirror> {
  const { api } = box;
  const { pulp_href: remote } = await api.post("remotes/file/file/", {
    name,
    url: upstream.manifestUrl,
    policy,
  });
  const { pulp_href: repository } = await api.post("repositories/file/file/", { name, remote });
  await api.done(await api.post("distributions/file/file/", { name, base_path: name, repository }));
  const synced = await sync(repository);
  return { repository, remote, ...synced };
}

async function sync(repository: string) {
  await using memory = watchMemory(await box.server.pids(), "task-child");
  const started = performance.now();
  const task = await box.api.done(await box.api.post(`${repository}sync/`, {}), 300_000);
  const seconds = (performance.now() - started) / 1000;
  return { task, seconds, peak: await memory.stop() };
}

const inside = ({ started_at, finished_at }: Answer): number =>
  (Date.parse(finished_at) - Date.parse(started_at)) / 1000;

async function publish(repository: string): Promise<void> {
  const { latest_version_href } = await box.api.get(repository);
  const body = { repository_version: latest_version_href };
  await box.api.done(await box.api.post("publications/file/file/", body));
}

async function downloadsMatch(name: string, count: number): Promise<void> {
  const step = Math.max(1, Math.floor(upstream.files.length / count));
  const chosen = upstream.files.filter((_, index) => index % step === 0).slice(0, count);
  for (const { path, sha256 } of chosen) {
    const response = await fetch(`${box.server.contentUrl}/pulp/content/${name}/${path}`);
    assert.equal(response.status, 200, path);
    const body = Buffer.from(await response.arrayBuffer());
    assert.equal(createHash("sha256").update(body).digest("hex"), sha256, path);
  }
}

test(`${COUNT} files on demand are mirrored, served, and skipped when unchanged`, async (t) => {
  const { repository, seconds, peak } = await mirror("lazy", "on_demand");
  t.diagnostic(`on demand: ${seconds.toFixed(2)} s, peak ${(peak / 1e6).toFixed(0)} MB`);
  const version = await box.api.get(`${repository}versions/1/`);
  assert.equal(version.content_summary.present["file.file"].count, COUNT);
  assert.ok(peak <= PEAK_BYTES, `${peak} bytes`);
  await publish(repository);
  await downloadsMatch("lazy", 100);

  await upstream.nginx.takeRequests();
  const again = await sync(repository);
  t.diagnostic(`unchanged: ${again.seconds.toFixed(2)} s, ${inside(again.task)} s in the task`);
  assert.deepEqual(again.task.created_resources, []);
  assert.equal((await upstream.nginx.takeRequests()).length, 1);
});

test(`${COUNT} files at once are mirrored, published and served`, async (t) => {
  const { repository, seconds, peak } = await mirror("eager", "immediate");
  t.diagnostic(`immediate: ${seconds.toFixed(2)} s, peak ${(peak / 1e6).toFixed(0)} MB`);
  assert.ok(peak <= PEAK_BYTES, `${peak} bytes`);
  await publish(repository);
  await upstream.nginx.takeRequests();
  await downloadsMatch("eager", 100);
  assert.deepEqual(await upstream.nginx.takeRequests(), [], "the bytes are here already");
});

test("one large file arrives whole, in ranges and resumed, in bounded memory", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "deckle-large-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const source = join(upstream.folder, "large.bin");
  const sha256 = await writeLarge(source, LARGE);
  await appendFile(join(upstream.folder, "PULP_MANIFEST"), `large.bin,${sha256},${LARGE}\n`);
  const { repository } = await mirror("large", "on_demand");
  await publish(repository);
  const url = `${box.server.contentUrl}/pulp/content/large/large.bin`;
  await using memory = watchMemory(await box.server.pids(), "src/bin/start.ts");
  const started = performance.now();
  const first = await command("curl", ["-sS", "-f", "-o", "first", url], folder);
  assert.equal(first.status, 0, first.stderr);
  const streamed = (performance.now() - started) / 1000;
  assert.equal(await digestOf(join(folder, "first")), sha256);
  t.diagnostic(`streamed through: ${streamed.toFixed(1)} s, ${(await memory.stop()) / 1e6} MB`);

  await truncate(join(folder, "first"), Math.floor(LARGE / 3));
  const resumed = await command("curl", ["-sS", "-f", "-C", "-", "-o", "first", url], folder);
  assert.equal(resumed.status, 0, resumed.stderr);
  assert.equal(await digestOf(join(folder, "first")), sha256);

  const range = `${LARGE - 1000}-${LARGE - 1}`;
  const part = await command("curl", ["-sS", "-D", "-", "-o", "part", "-r", range, url], folder);
  assert.equal(head(part.stdout).status, 206);
  assert.equal((await stat(join(folder, "part"))).size, 1000);
});

/** Writes a file whose blocks all differ; its digest. */
async function writeLarge(path: string, size: number): Promise<string> {
  const block = Buffer.alloc(1 << 20);
  const hash = createHash("sha256");
  await using file = await open(path, "w");
  for (let written = 0; written < size; written += block.length) {
    block.fill(createHash("sha256").update(String(written)).digest());
    const part = block.subarray(0, Math.min(block.length, size - written));
    hash.update(part);
    await file.write(part);
  }
  return hash.digest("hex");
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}
