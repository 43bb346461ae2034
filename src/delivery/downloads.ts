import type { SavedArtifact } from "#core/artifacts/types.ts";
import type { Ctx } from "#core/ctx.ts";
import { markFailed } from "#core/remotes/artifact.ts";
import type { ContentRequest, FromUpstream } from "./contract.ts";
import { Download } from "./download.ts";
import type { Upstreams } from "./upstream.ts";

/** The downloads of this process: one per file, whoever waits for it. */
export class Downloads {
  readonly #ctx: Ctx;
  readonly #upstreams: Upstreams;
  /** Those that may be joined. */
  readonly #running = new Map<string, Download>();
  /** These too, and those whose last bytes are being put away. */
  readonly #unfinished = new Set<Download>();

  constructor(ctx: Ctx, upstreams: Upstreams) {
    this.#ctx = ctx;
    this.#upstreams = upstreams;
  }

  get count(): number {
    return this.#unfinished.size;
  }

  /**
   * The download of a file, begun if there is none.
   *
   * @param onSaved called once by the one that is begun, when the file is in the store.
   */
  of(
    { match }: Pick<ContentRequest, "match">,
    upstream: FromUpstream,
    onSaved: (artifact: SavedArtifact) => void,
  ): Download {
    const key =
      upstream.contentArtifact ??
      `${match.domain.num} ${upstream.sources[0]?.remote} ${upstream.sources[0]?.url}`;
    const running = this.#running.get(key);
    if (running) return running;
    const { domain } = match;
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
