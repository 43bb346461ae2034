import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** A finished page in the forms in which it is sent. */
export interface Page {
  readonly body: Buffer;
  /** Absent where packing saves nothing. */
  readonly gzip?: Buffer;
  /** Without quotes; equal for equal bytes. */
  readonly etag: string;
}

/** What an entry costs beside its bodies. */
const OVERHEAD_BYTES = 512;
/** Smaller bodies fit in one packet anyway. */
const PACKED_FROM_BYTES = 1024;

const pack = promisify(gzip);

/** Makes a page of its text. */
export async function pageOf(text: string | Buffer): Promise<Page> {
  const body = typeof text === "string" ? Buffer.from(text) : text;
  const etag = createHash("sha256").update(body).digest("hex").slice(0, 32);
  const packed = body.length < PACKED_FROM_BYTES ? undefined : await pack(body);
  return { body, etag, ...(packed && packed.length < body.length ? { gzip: packed } : {}) };
}

/** How a page was come by, for `X-PULP-CACHE`. */
export interface Found<Value> {
  readonly page: Value;
  readonly isHit: boolean;
}

/**
 * Pages by what they are made of, within a budget of bytes; the least recently used leave first.
 * Requests for a page that is being made wait for it together. Keys name a version, so that a page
 * is never outdated; it just stops being asked for.
 */
export class PageCache {
  readonly #budgetBytes: number;
  /** Least recently used first. */
  readonly #pages = new Map<string, Page>();
  readonly #pending = new Map<string, Promise<Page | undefined>>();
  #bytes = 0;

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @param make undefined where there is no such page, which is not remembered. */
  async get(key: string, make: () => Promise<Page | undefined>): Promise<Found<Page | undefined>> {
    const known = this.find(key);
    if (known) return { page: known, isHit: true };
    const pending = this.#pending.get(key);
    if (pending) return { page: await pending, isHit: true };
    const made = make();
    this.#pending.set(key, made);
    try {
      const page = await made;
      if (page) this.keep(key, page);
      return { page, isHit: false };
    } finally {
      this.#pending.delete(key);
    }
  }

  /** The page that is kept, which thereby is the most recently used one. */
  find(key: string): Page | undefined {
    const known = this.#pages.get(key);
    if (known) {
      this.#pages.delete(key);
      this.#pages.set(key, known);
    }
    return known;
  }

  /** Bytes of the largest page that is kept: one page does not push out all others. */
  get mostBytes(): number {
    return this.#budgetBytes / 4;
  }

  keep(key: string, page: Page): void {
    const weight = weightOf(key, page);
    if (weight > this.mostBytes) return;
    const replaced = this.#pages.get(key);
    if (replaced) {
      this.#pages.delete(key);
      this.#bytes -= weightOf(key, replaced);
    }
    this.#pages.set(key, page);
    this.#bytes += weight;
    for (const [oldest, other] of this.#pages) {
      if (this.#bytes <= this.#budgetBytes) return;
      this.#pages.delete(oldest);
      this.#bytes -= weightOf(oldest, other);
    }
  }
}

const weightOf = (key: string, { body, gzip: packed }: Page): number =>
  OVERHEAD_BYTES + 2 * key.length + body.length + (packed?.length ?? 0);
