import type { SavedArtifact } from "#core/artifacts/types.ts";
import type { Ctx } from "#core/ctx.ts";
import { markFailed } from "#core/remotes/artifact.ts";
import type { ContentRequest, FromUpstream } from "./contract.ts";
import { Download } from "./download.ts";
import type { Upstreams } from "./upstream.ts";

/** Files that were saved last; a request that began before and is not answered yet asks for them. */
const SAVED_FILES = 10_000;

/** Whose remote it is that a file comes from. */
export interface DownloadRequest {
  readonly match: Pick<ContentRequest["match"], "domain">;
}

/** The downloads of this process: one per file, whoever waits for it. */
export class Downloads {
  readonly #ctx: Ctx;
  readonly #upstreams: Upstreams;
  /** Those that may be joined. */
  readonly #running = new Map<string, Download>();
  /** These too, and those whose last bytes are being put away. */
  readonly #unfinished = new Set<Download>();
  /** By key, at which count of saved files; the oldest first. */
  readonly #saved = new Map<string, number>();
  #savedCount = 0;

  constructor(ctx: Ctx, upstreams: Upstreams) {
    this.#ctx = ctx;
    this.#upstreams = upstreams;
  }

  get count(): number {
    return this.#unfinished.size;
  }

  /** Grows with each file that is saved. */
  get savedCount(): number {
    return this.#savedCount;
  }

  /** Whether a file was saved after the count was so high: what was looked up then is outdated. */
  isSavedSince(count: number, request: DownloadRequest, upstream: FromUpstream) {
    return (this.#saved.get(keyOf(request, upstream)) ?? 0) > count;
  }

  /**
   * The download of a file, begun if there is none.
   *
   * @param onSaved called once by the one that is begun, when the file is in the store.
   */
  of(
    request: DownloadRequest,
    upstream: FromUpstream,
    onSaved: (artifact: SavedArtifact) => void,
  ): Download {
    const key = keyOf(request, upstream);
    const running = this.#running.get(key);
    if (running) return running;
    const { domain } = request.match;
    const download = new Download(this.#ctx, this.#upstreams, {
      domain,
      sources: upstream.sources,
      failed: async ({ contentArtifact, remote }) => {
        if (contentArtifact === null) return;
        await markFailed(this.#ctx, domain, { content_artifact: contentArtifact, remote });
      },
      saved: async (artifact) => {
        if (upstream.contentArtifact !== null)
          await this.#fillIn(domain.num, upstream.contentArtifact, artifact.id);
        await upstream.pull?.save?.(artifact);
        this.#remember(key);
        onSaved(artifact);
      },
      over: () => this.#running.delete(key),
    });
    this.#running.set(key, download);
    this.#unfinished.add(download);
    void download.done.finally(() => this.#unfinished.delete(download));
    return download;
  }

  /** Waits for the downloads that are under way; those that last longer are given up. */
  async drain(signal: AbortSignal): Promise<void> {
    const abortAll = () => {
      for (const download of this.#unfinished) download.abort();
    };
    if (signal.aborted) abortAll();
    signal.addEventListener("abort", abortAll, { once: true });
    await Promise.all([...this.#unfinished].map((download) => download.done));
    signal.removeEventListener("abort", abortAll);
  }

  #remember(key: string): void {
    this.#savedCount += 1;
    this.#saved.delete(key);
    this.#saved.set(key, this.#savedCount);
    const [oldest] = this.#saved.keys();
    if (this.#saved.size > SAVED_FILES && oldest !== undefined) this.#saved.delete(oldest);
  }

  async #fillIn(domain: number, id: string, artifact: string): Promise<void> {
    await this.#ctx.db
      .updateTable("content_artifact")
      .set({ artifact })
      .where("domain", "=", domain)
      .where("id", "=", id)
      .where("artifact", "is", null)
      .execute();
  }
}

const keyOf = (
  { match }: DownloadRequest,
  { contentArtifact, sources: [first] }: FromUpstream,
): string => contentArtifact ?? `${match.domain.num} ${first?.remote} ${first?.url}`;
