import { Batcher } from "#base/batcher.ts";
import { alternateFiles, hasAlternateSources } from "../acs/queries.ts";
import { saveArtifacts, touchArtifacts } from "../artifacts/commands.ts";
import type { Job, Progress } from "../plugin-contract.ts";
import { downloadFile, openRemote } from "../remotes/commands.ts";
import type { Download, RemoteSession } from "../remotes/types.ts";
import { lookupDigest, storedArtifacts } from "./queries.ts";
import type { DeclaredFile } from "./types.ts";

/** Downloads that wait for their row at one time. */
const MOST_PER_SAVE = 200;

interface Source {
  readonly remote: RemoteSession;
  readonly url: string;
}

/** What is known of the files of one batch of units. */
export interface KnownFiles {
  /** The stored artifact of a file; undefined while there is none. */
  artifact(file: DeclaredFile): string | undefined;
  /** Downloads and saves it, from an alternate source first. */
  fetch(file: DeclaredFile, signal: AbortSignal): Promise<string>;
}

/** Finds, downloads and saves the files of a sync. */
export class SyncFiles implements AsyncDisposable {
  readonly #job: Job;
  readonly #remote: RemoteSession;
  readonly #progress: Progress;
  readonly #alternates = new Map<string, Promise<RemoteSession>>();
  readonly #fetching = new Map<string | DeclaredFile, Promise<string>>();
  readonly #saver: Batcher<Download, string>;
  #hasAlternates: boolean | undefined;

  constructor(job: Job, remote: RemoteSession, progress: Progress) {
    this.#job = job;
    this.#remote = remote;
    this.#progress = progress;
    this.#saver = new Batcher((downloads) => this.#save(downloads), { most: MOST_PER_SAVE });
  }

  async lookUp(files: readonly DeclaredFile[]): Promise<KnownFiles> {
    const { ctx, caller } = this.#job;
    const { found, stale } = await storedArtifacts(ctx.db, caller.domain, files);
    await touchArtifacts(ctx.db, caller.domain, stale);
    const stored = new Map<string | DeclaredFile, string>(found);
    const missing = files.filter((file) => !file.deferred && !stored.has(keyOf(file)));
    const alternates = await this.#alternateFiles(missing);
    return {
      artifact: (file) => stored.get(keyOf(file)),
      fetch: async (file, signal) => {
        const finished = stored.get(keyOf(file));
        if (finished !== undefined) return finished;
        const alternate = alternates.get(file.digests.sha256?.toLowerCase() ?? "");
        const id = await this.#once(file, async () => {
          const sources = await this.#sources(file, alternate);
          return this.#fetch(file, { sources, signal });
        });
        stored.set(keyOf(file), id);
        return id;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#alternates.values());
    for (const session of opened)
      if (session.status === "fulfilled") await session.value[Symbol.asyncDispose]();
  }

  async #alternateFiles(files: readonly DeclaredFile[]) {
    const sha256s = files.flatMap(({ digests }) => digests.sha256?.toLowerCase() ?? []);
    if (sha256s.length === 0) return new Map<string, { remote: string; url: string }>();
    const { ctx, caller } = this.#job;
    this.#hasAlternates ??= await hasAlternateSources(ctx.db, caller.domain);
    return this.#hasAlternates ? alternateFiles(ctx.db, caller.domain, sha256s) : new Map();
  }

  /** Two units with the same bytes share one download. */
  async #once(file: DeclaredFile, fetch: () => Promise<string>): Promise<string> {
    const key = keyOf(file);
    const running = this.#fetching.get(key);
    if (running) return running;
    const started = fetch().finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, started);
    return started;
  }

  async #sources(
    file: DeclaredFile,
    alternate: { readonly remote: string; readonly url: string } | undefined,
  ): Promise<Source[]> {
    const own = file.urls.map((url) => ({ remote: this.#remote, url }));
    if (alternate === undefined || alternate.remote === this.#remote.id) return own;
    return [{ remote: await this.#alternate(alternate.remote), url: alternate.url }, ...own];
  }

  #alternate(id: string): Promise<RemoteSession> {
    const { ctx, caller } = this.#job;
    const session = this.#alternates.get(id) ?? openRemote(ctx, caller.domain, id);
    this.#alternates.set(id, session);
    return session;
  }

  async #fetch(
    file: DeclaredFile,
    from: { readonly sources: readonly Source[]; readonly signal: AbortSignal },
  ): Promise<string> {
    const { ctx, caller } = this.#job;
    const size = file.sizeBytes === undefined ? {} : { sizeBytes: file.sizeBytes };
    let last: unknown;
    for (const { remote, url } of from.sources) {
      const wanted = { url, digests: file.digests, ...size };
      const request = { domain: caller.domain, remote, wanted, signal: from.signal };
      const download = await downloadFile(ctx, request).catch((error: unknown) => {
        from.signal.throwIfAborted();
        last = error;
        return undefined;
      });
      if (download === undefined) continue;
      await using _file = download.file;
      const id = await this.#saver.add(download);
      this.#progress.add();
      return id;
    }
    throw last;
  }

  async #save(downloads: readonly Download[]): Promise<readonly string[]> {
    const { ctx, caller } = this.#job;
    const saved = await saveArtifacts(ctx, caller.domain, downloads);
    return saved.map(({ id }) => id);
  }
}

/** Equal for files of equal digest; a file without a digest is only itself. */
function keyOf(file: DeclaredFile): string | DeclaredFile {
  const digest = lookupDigest(file);
  return digest === undefined ? file : `${digest.algorithm}:${digest.hex}`;
}
