import { Tally } from "#base/tally.ts";
import type { Ctx } from "#core/ctx.ts";
import type { ContentHandler, ContentRequest, CountedFile, SentFile } from "./contract.ts";
import type { Exchange } from "./exchange.ts";
import { parseRange } from "./range.ts";

/** Counts wait so long for others, and are lost if the process dies meanwhile. */
const PAUSE_MS = 5000;
/** Files of one handler that are counted between two writes; what comes beyond is not counted. */
const MOST = 20_000;

/** A file that is counted, and by whom; answers that are kept share it. */
export interface Counted {
  readonly file: CountedFile;
  /** Undefined where the type of the distribution does not count. */
  readonly handler: ContentHandler | undefined;
  /** Tells files apart; made once, since a text that is known is looked up without reading it. */
  readonly key: string;
}

interface Entry {
  readonly file: CountedFile;
  readonly count: number;
}

/** What is sent, as far as it is known before. */
export interface Sent {
  readonly contentArtifact: string | null;
  readonly sizeBytes: number | null;
}

/** How an answer went out. */
export interface Sending extends Pick<SentFile, "user"> {
  /** Bytes of the answer where nobody can know them before. */
  readonly bytes?: number;
  readonly isFromMemory?: boolean;
}

/** How often files were sent whole, told to their handlers together every few seconds. */
export class DownloadTally {
  readonly #ctx: Ctx;
  readonly #onSent: ((sent: SentFile) => void) | undefined;
  readonly #tallies = new Map<ContentHandler, Tally<Entry>>();

  /** @param onSent hears of each file by itself. */
  constructor(ctx: Ctx, onSent?: (sent: SentFile) => void) {
    this.#ctx = ctx;
    this.#onSent = onSent;
  }

  /** Who wants to know about a file that is asked for; undefined where nobody does. */
  counted(
    handler: ContentHandler | undefined,
    { match: { domain, distribution }, path }: ContentRequest,
    sent: Sent,
  ): Counted | undefined {
    const own = handler?.downloads?.counts(path) ? handler : undefined;
    if (own === undefined && this.#onSent === undefined) return undefined;
    const { id, type, basePath } = distribution;
    const file = { domain, distribution: id, type, basePath, path, ...sent };
    return { handler: own, file, key: `${id}\n${path}` };
  }

  /** Counts an answer that was sent, if it was the file or led to it. */
  note({ file, handler, key }: Counted, exchange: Exchange, sending: Sending = {}): void {
    const { statusCode } = exchange.response;
    if (exchange.isHead) return;
    if (handler && (statusCode === 200 || statusCode === 302)) this.#add(handler, key, file);
    const sent = this.#onSent && sentFile(file, exchange, sending);
    if (sent) this.#onSent?.(sent);
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    await Promise.all([...this.#tallies.values()].map((tally) => tally.close()));
  }

  #add(handler: ContentHandler, key: string, file: CountedFile): void {
    const known = this.#tallies.get(handler);
    const tally = known ?? this.#tallyOf(handler);
    if (!known) this.#tallies.set(handler, tally);
    tally.add(key, { file, count: 1 });
  }

  #tallyOf(handler: ContentHandler): Tally<Entry> {
    const { log } = this.#ctx;
    return new Tally({
      ...{ pauseMs: PAUSE_MS, most: MOST },
      sum: ({ file, count }, more) => ({ file, count: count + more.count }),
      write: async (entries) =>
        handler.downloads?.record(
          this.#ctx,
          entries.map(({ file, count }) => ({ ...file, count })),
        ),
      failed: (error, count) => log.warn(`Downloads of ${count} files are counted later: ${error}`),
    });
  }
}

/** What an answer that went out counts as; undefined where it is no download. */
export function sentFile(
  file: CountedFile,
  exchange: Exchange,
  sending: Sending = {},
): SentFile | undefined {
  if (exchange.isHead) return undefined;
  const bytes = bytesOf(file, exchange, sending);
  if (bytes === undefined) return undefined;
  const { isFromMemory = false, user } = sending;
  const { request } = exchange;
  return { file, request, bytes, isFromMemory, ...(user === undefined ? {} : { user }) };
}

/** Bytes that a client got of a file, or gets from the store; undefined where it is no download. */
function bytesOf(
  { sizeBytes }: CountedFile,
  { request, response }: Exchange,
  { bytes }: Sending,
): number | undefined {
  switch (response.statusCode) {
    case 200:
      return bytes ?? sizeBytes ?? 0;
    case 302:
      return sizeBytes ?? 0;
    case 206: {
      const size = sizeBytes ?? Number.MAX_SAFE_INTEGER;
      const range = parseRange(request.headers.range ?? "", size);
      return range?.start === 0 ? (bytes ?? range.end + 1) : undefined;
    }
    default:
      return undefined;
  }
}
