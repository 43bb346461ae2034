import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Nginx, startNginx } from "./nginx.ts";

export interface UpstreamFile {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

/** An upstream of the file plugin: a `PULP_MANIFEST` and its files behind nginx. */
export interface FileUpstream extends AsyncDisposable {
  readonly folder: string;
  readonly url: string;
  readonly manifestUrl: string;
  readonly files: readonly UpstreamFile[];
  readonly nginx: Nginx;
  /** Adds or changes a file and writes the manifest again. */
  put(path: string, content: Buffer): Promise<void>;
}

/** Files `d000/f000.bin`… of the given size with contents of their own. */
export async function createFileUpstream(count: number, sizeBytes = 1024): Promise<FileUpstream> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-upstream-"));
  const files = new Map<string, UpstreamFile>();
  const write = async (path: string, content: Buffer) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
    const sha256 = createHash("sha256").update(content).digest("hex");
    files.set(path, { path, sha256, size: content.length });
  };
  const writeManifest = () => {
    const lines = [...files.values()].map(
      ({ path, sha256, size }) => `${path},${sha256},${size}\n`,
    );
    return writeFile(join(folder, "PULP_MANIFEST"), lines.join(""));
  };
  for (let n = 0; n < count; n += 1) {
    const name = `d${String(Math.floor(n / 1000)).padStart(3, "0")}/f${String(n % 1000).padStart(3, "0")}.bin`;
    await write(name, randomBytes(sizeBytes));
  }
  await writeManifest();
  const nginx = await startNginx(folder);
  return {
    folder,
    url: nginx.url,
    manifestUrl: `${nginx.url}/PULP_MANIFEST`,
    get files() {
      return [...files.values()];
    },
    nginx,
    async put(path, content) {
      await write(path, content);
      await writeManifest();
    },
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
