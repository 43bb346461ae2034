import { createHash } from "node:crypto";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNginx } from "../test/support/nginx.ts";
import { run, wrk } from "./load.ts";

/** What this machine does today: results of two days compare in these units only. */
export async function calibrate(): Promise<Readonly<Record<string, number>>> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-calibrate-"));
  try {
    return {
      nginx1KiBPerSecond: await nginxRate(folder),
      sha256MBPerSecond: sha256Rate(),
      fsyncPerSecond: await fsyncRate(folder),
      nodeStartMs: await nodeStart(),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function nginxRate(folder: string): Promise<number> {
  await writeFile(join(folder, "1k"), Buffer.alloc(1024, "x"));
  await using nginx = await startNginx(folder, false);
  const { operations, seconds } = await wrk({ url: `${nginx.url}/1k` }, 2);
  return Math.round(operations / seconds);
}

function sha256Rate(): number {
  const block = Buffer.alloc(64 << 20);
  const started = performance.now();
  createHash("sha256").update(block).digest();
  return Math.round(block.length / 1e3 / (performance.now() - started));
}

async function fsyncRate(folder: string): Promise<number> {
  await using file = await open(join(folder, "sync"), "w");
  const started = performance.now();
  let count = 0;
  for (; performance.now() - started < 1000; count += 1) {
    await file.write(Buffer.alloc(4096), 0, 4096, 0);
    await file.datasync();
  }
  return count;
}

async function nodeStart(): Promise<number> {
  const started = performance.now();
  for (let n = 0; n < 5; n += 1) await run(process.execPath, ["-e", "0"]);
  return Math.round((performance.now() - started) / 5);
}
