import { dropOldest } from "#base/drop-oldest.ts";
import type { Ctx, DomainRef } from "#sdk";
import { uploadProtectionMinutes } from "../settings.ts";
import {
  deleteExpired,
  releaseUpload,
  takeUpload,
  type UploadKey,
  unknownUploads,
  uploadState,
} from "./session-rows.ts";
import { newUploadId, wasIssued } from "./upload-id.ts";

export type SessionFile = Awaited<ReturnType<ReturnType<Ctx["storage"]>["sessions"]["open"]>>;

/** Open files of uploads that nobody writes to right now. */
const MOST_OPEN = 128;
/** Uploads that are remembered. */
const MOST_KNOWN = 10_000;
const PURGE_EVERY_MS = 600_000;
const PURGED_AT_ONCE = 500;
/** A file may be younger than its row. */
const LEFTOVER_MS = 3_600_000;

interface Open {
  readonly file: SessionFile;
  readonly domain: DomainRef;
}

/**
 * Uploads under way: rows say how much is acknowledged, and files have the bytes. One that nobody has
 * sent a byte to is nothing but its id. A file stays open between requests, so that its digest goes on;
 * elsewhere, or after a restart, it is read again.
 */
export class UploadSessions {
  readonly #ctx: Ctx;
  /** Least recently used first; none of them is being written to. */
  readonly #open = new Map<string, Open>();
  /** Uploads that were begun here, and that nobody has gone on with here; oldest first. */
  readonly #untouched = new Set<string>();
  /** Uploads that have a row, or are over: gone on with here; oldest first. */
  readonly #touched = new Set<string>();
  /** Ends of the requests that write, by upload: one after the other. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #purging: Promise<void> = Promise.resolve();

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    this.#timer = setInterval(() => this.#purgeInTime(), PURGE_EVERY_MS).unref();
  }

  /** @returns its id */
  begin(owner: Omit<UploadKey, "id">): string {
    const id = newUploadId(owner, this.#ctx.clock.now());
    this.#untouched.add(id);
    dropOldest(this.#untouched, { most: MOST_KNOWN });
    return id;
  }

  /** Acknowledged bytes; undefined if there is no such upload. */
  async sizeOf(key: UploadKey): Promise<number | undefined> {
    const state = await uploadState(this.#ctx, key);
    if (state === undefined) return this.#mayBeNew(key) ? 0 : undefined;
    return state === "over" ? undefined : state.sizeBytes;
  }

  /**
   * The upload for one request that writes; others wait until it is disposed.
   *
   * @param bringsAll whether the request may have the whole blob. Then an upload that was begun here is
   *   believed to be as it was, and not asked about: whoever ends it finds out.
   * @returns undefined if there is no such upload, or another process writes to it.
   */
  async take(
    domain: DomainRef,
    key: UploadKey,
    { bringsAll }: { readonly bringsAll: boolean },
  ): Promise<Writing | undefined> {
    const before = this.#turns.get(key.id);
    const { promise: turn, resolve: end } = Promise.withResolvers<void>();
    this.#turns.set(key.id, turn);
    const leave = () => {
      if (this.#turns.get(key.id) === turn) this.#turns.delete(key.id);
      end();
    };
    try {
      await before;
      const mayBeNew = this.#mayBeNew(key);
      const isBelieved = this.#untouched.delete(key.id) && mayBeNew && bringsAll;
      const writing = new Writing(this, { ctx: this.#ctx, domain, key, mayBeNew, leave });
      if (isBelieved || (await writing.take())) return writing;
      leave();
      return undefined;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** It has a row from now on, or is over. */
  touch(id: string): void {
    this.#touched.add(id);
    dropOldest(this.#touched, { most: MOST_KNOWN });
  }

  /** Whether nothing is known that speaks against it being as it was begun. */
  #mayBeNew(key: UploadKey): boolean {
    if (this.#touched.has(key.id)) return false;
    const forMs = uploadProtectionMinutes(this.#ctx) * 60_000;
    return wasIssued(key, { nowMs: this.#ctx.clock.now(), forMs });
  }

  /** The open file of an upload, which nobody else gets meanwhile. */
  async checkOut(domain: DomainRef, id: string, sizeBytes: number): Promise<SessionFile> {
    const known = this.#open.get(id);
    this.#open.delete(id);
    if (known?.file.sizeBytes === sizeBytes) return known.file;
    await known?.file[Symbol.asyncDispose]();
    return this.#ctx.storage(domain).sessions.open(id, sizeBytes);
  }

  async checkIn(domain: DomainRef, id: string, file: SessionFile): Promise<void> {
    this.#open.set(id, { file, domain });
    const [oldest] = this.#open;
    if (this.#open.size <= MOST_OPEN || !oldest) return;
    this.#open.delete(oldest[0]);
    await oldest[1].file[Symbol.asyncDispose]();
  }

  /** Removes the file of an upload that is over. */
  async discard(domain: DomainRef, id: string): Promise<void> {
    const known = this.#open.get(id);
    this.#open.delete(id);
    await known?.file[Symbol.asyncDispose]();
    await this.#ctx.storage(domain).sessions.remove(id);
  }

  /** Removes uploads that nobody continued, and files that no upload has. */
  async purge(): Promise<void> {
    const minutes = uploadProtectionMinutes(this.#ctx);
    for (;;) {
      const gone = await deleteExpired(this.#ctx, { minutes, limit: PURGED_AT_ONCE });
      for (const { id, num, domain, name } of gone)
        await this.discard({ num, id: domain, name }, id);
      if (gone.length < PURGED_AT_ONCE) break;
    }
    await this.#purgeLeftovers();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#purging;
    const files = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(files.map(({ file }) => file[Symbol.asyncDispose]()));
  }

  #purgeInTime(): void {
    this.#purging = this.purge().catch((error) =>
      this.#ctx.log.error(`Old uploads were not removed: ${error}`),
    );
  }

  async #purgeLeftovers(): Promise<void> {
    const before = this.#ctx.clock.now() - LEFTOVER_MS;
    const domains = await this.#ctx.db.selectFrom("domain").select(["num", "id", "name"]).execute();
    for (const domain of domains) {
      const { sessions } = this.#ctx.storage(domain);
      const files = await sessions.list();
      const old = files.filter(({ lastWriteMs }) => lastWriteMs < before).map(({ id }) => id);
      if (old.length === 0) continue;
      for (const id of await unknownUploads(this.#ctx, old)) await sessions.remove(id);
    }
  }
}

interface WritingParts {
  readonly ctx: Ctx;
  readonly domain: DomainRef;
  readonly key: UploadKey;
  /** It need not have a row yet. */
  readonly mayBeNew: boolean;
  /** Lets the next request in. */
  readonly leave: () => void;
}

/** One request's turn to write to an upload. */
export class Writing implements AsyncDisposable {
  readonly id: string;
  readonly #sessions: UploadSessions;
  readonly #parts: WritingParts;
  #file: SessionFile | undefined;
  #acknowledged = 0;
  #isTaken = false;
  #isOver = false;

  constructor(sessions: UploadSessions, parts: WritingParts) {
    this.id = parts.key.id;
    this.#sessions = sessions;
    this.#parts = parts;
  }

  /** Whether the database knows that this process writes; else it is believed to have no bytes. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** @returns false if there is no such upload, another process writes to it, or it was taken before. */
  async take(): Promise<boolean> {
    if (this.#isTaken || this.#isOver) return false;
    const { ctx, key, mayBeNew } = this.#parts;
    const sizeBytes = await takeUpload(ctx, { ...key, mayBeNew });
    if (sizeBytes === undefined) return false;
    this.#sessions.touch(key.id);
    this.#isTaken = true;
    this.#acknowledged = sizeBytes;
    return true;
  }

  /** Bytes that are acknowledged. */
  get sizeBytes(): number {
    return this.#acknowledged;
  }

  async file(): Promise<SessionFile> {
    if (!this.#isTaken) throw new Error("An upload that is not taken takes no bytes.");
    this.#file ??= await this.#sessions.checkOut(this.#parts.domain, this.id, this.#acknowledged);
    return this.#file;
  }

  /**
   * Acknowledges what was appended.
   *
   * @returns false if the upload was cancelled meanwhile.
   */
  async acknowledge(): Promise<boolean> {
    const file = await this.file();
    await file.flush();
    this.#acknowledged = file.sizeBytes;
    return this.#release();
  }

  /** The upload is finished or cancelled, and its row says so. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#sessions.touch(this.id);
    await this.#file?.[Symbol.asyncDispose]();
    this.#file = undefined;
    // One that was never taken has no file.
    if (this.#isTaken) await this.#sessions.discard(this.#parts.domain, this.id);
  }

  /** What was appended and not acknowledged is taken back. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const file = this.#file;
      if (file?.isSealed) {
        // Its bytes may be an object by now: whoever goes on opens it anew, with bytes of its own.
        await file[Symbol.asyncDispose]();
      } else if (file) {
        if (file.sizeBytes > this.#acknowledged) await file.cutBack();
        await this.#sessions.checkIn(this.#parts.domain, this.id, file);
      }
      if (this.#isTaken && !this.#isOver) await this.#release();
    } finally {
      this.#parts.leave();
    }
  }

  async #release(): Promise<boolean> {
    this.#isOver = true;
    return releaseUpload(this.#parts.ctx, this.id, this.#acknowledged);
  }
}
