import type { Ctx } from "#core/ctx.ts";
import type { ContentHandler, ContentRequest, CountedFile } from "./contract.ts";
import type { Exchange } from "./exchange.ts";

/** Counts wait so long for others, and are lost if the process dies meanwhile. */
const PAUSE_MS = 5000;
/** Files that are counted between two writes; what comes beyond is not counted. */
const MOST = 20_000;

/** A file that is counted, and by whom; answers that are kept share it. */
export interface Counted {
  readonly file: CountedFile;
  readonly handler: ContentHandler;
  /** Tells files apart; made once, since a text that is known is looked up without reading it. */
  readonly key: string;
}

/** Who wants to know about a file that is asked for; undefined where nobody does. */
export function countedOf(
  handler: ContentHandler | undefined,
  { match: { domain, distribution }, path }: ContentRequest,
): Counted | undefined {
  if (!handler?.downloads?.counts(path)) return undefined;
  const { id } = distribution;
  return { handler, file: { domain, distribution: id, path }, key: `${id}\n${path}` };
}

/** How often files were sent whole, told to their handlers together every few seconds. */
export class DownloadTally {
  readonly #ctx: Ctx;
  #counts = new Map<string, { readonly counted: Counted; count: number }>();
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
  }

  /** Counts an answer that was sent, if it was the whole file or led to it. */
  note(counted: Counted, { isHead, response }: Exchange): void {
    const { statusCode } = response;
    if (isHead || (statusCode !== 200 && statusCode !== 302)) return;
    this.#add(counted, 1);
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
    clearTimeout(this.#timer);
  }

  #add(counted: Counted, by: number): void {
    const known = this.#counts.get(counted.key);
    if (known) known.count += by;
    else if (this.#counts.size < MOST) this.#counts.set(counted.key, { counted, count: by });
    else return;
    this.#timer ??= setTimeout(() => this.#begin(), PAUSE_MS).unref();
  }

  #begin(): void {
    this.#timer = undefined;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    const all = [...this.#counts.values()];
    this.#counts = new Map();
    for (const [handler, counts] of Map.groupBy(all, ({ counted }) => counted.handler)) {
      const files = counts.map(({ counted: { file }, count }) => ({ ...file, count }));
      try {
        await handler.downloads?.record(this.#ctx, files);
      } catch (error) {
        this.#ctx.log.warn(`Downloads of ${files.length} files are counted later: ${error}`);
        for (const { counted, count } of counts) this.#add(counted, count);
      }
    }
  }
}
