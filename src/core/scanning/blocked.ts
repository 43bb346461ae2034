import type { HotStatement } from "#platform/db/hot.ts";
import type { Ctx } from "../ctx.ts";

/** A stored file, by what findings know of it. */
export interface FileKey {
  /** `domain.num` */
  readonly domain: number;
  readonly sha256: Buffer;
}

const CHANNEL = "deckle_blocked_files";
/** What no notification told, such as a process that died before it sent one, is noticed then. */
const LIFE_MS = 30_000;
/** After a reading that failed. */
const PAUSE_MS = 1000;

/**
 * Files that are in use though something was found in them, known to the whole process: whoever
 * sends one asks memory only. Whatever changes the list tells every process, which reads it anew.
 */
export class BlockedFiles {
  readonly #ctx: Ctx;
  #keys: ReadonlySet<string> | undefined;
  #reading: Promise<void> | undefined;
  #freshUntil = 0;
  /** Told while a reading was under way, which may have missed it. */
  #isChanged = false;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    // As long as the process listens at all.
    ctx.notifier.listen(CHANNEL, () => this.#change(), new AbortController().signal);
  }

  /**
   * Whether a file must not be sent; a promise where the list is being read because it changed.
   *
   * @throws what the database says if the list was never read
   */
  has(file: FileKey): boolean | Promise<boolean> {
    if (this.#keys && this.#freshUntil <= this.#ctx.clock.now()) void this.#read();
    const isKnown = this.#keys !== undefined && !this.#isChanged;
    return isKnown ? this.#holds(file) : this.#settled().then(() => this.#holds(file));
  }

  /** Call it when a change is committed. */
  announce(): void {
    this.#change();
    this.#ctx.notifier.notify(CHANNEL, "");
  }

  #holds(file: FileKey): boolean {
    return this.#keys !== undefined && this.#keys.size > 0 && this.#keys.has(keyOf(file));
  }

  #change(): void {
    this.#isChanged = true;
  }

  /** A reading that began before the change is no answer to it. */
  async #settled(): Promise<void> {
    await this.#read();
    if (this.#isChanged) await this.#read();
  }

  /** One reading at a time; a list that there is already is kept when it cannot be read anew. */
  #read(): Promise<void> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readNow(): Promise<void> {
    const { hot, clock, log } = this.#ctx;
    this.#isChanged = false;
    try {
      const rows = await hot.query(BLOCKED, []);
      this.#keys = new Set(rows.map(keyOf));
      this.#freshUntil = clock.now() + LIFE_MS;
    } catch (error) {
      if (!this.#keys) throw error;
      log.warn(`Files with malware cannot be looked up, the last list holds: ${error}`);
      this.#freshUntil = clock.now() + PAUSE_MS;
    }
  }
}

/** Half of a digest tells files apart, and takes less memory in a list that may grow long. */
const keyOf = ({ domain, sha256 }: FileKey): string =>
  `${domain} ${sha256.toString("latin1", 0, 16)}`;

/** Only what is stored: bytes that were refused on their way in are nowhere to be sent from. */
const BLOCKED: HotStatement<FileKey> = {
  name: "scanning-blocked",
  text: `
select s.domain, s.artifact_sha256 as sha256 from malware_scan s
where s.status = 'infected' and exists (select from artifact a
  where a.domain = s.domain and a.sha256 = s.artifact_sha256)`,
};

const shared = new WeakMap<Ctx["hot"], BlockedFiles>();

/** The list of the process: all its contexts share it. */
function blockedFiles(ctx: Ctx): BlockedFiles {
  const known = shared.get(ctx.hot) ?? new BlockedFiles(ctx);
  shared.set(ctx.hot, known);
  return known;
}

/**
 * Whether a stored file must not be sent (`CLAMAV_BLOCK_EXISTING`, service §15); a promise only where
 * the list has to be read first.
 */
export const isBlocked = (ctx: Ctx, file: FileKey): boolean | Promise<boolean> =>
  ctx.settings.CLAMAV_BLOCK_EXISTING && blockedFiles(ctx).has(file);

/** Tells every process that a file may have been found infected, or harmless after all. */
export function announceFinding(ctx: Ctx): void {
  if (ctx.settings.CLAMAV_BLOCK_EXISTING) blockedFiles(ctx).announce();
}
