import type { StoredObject } from "#platform/storage/storage.ts";
import { Warmth } from "./warmth.ts";

/** An open object that somebody reads; disposing it gives it back. */
export interface OpenLease extends Disposable {
  readonly object: StoredObject;
  readonly warmth: Warmth;
}

interface Slot {
  readonly object: Promise<StoredObject>;
  readonly warmth: Warmth;
  readers: number;
  isKept: boolean;
}

/** Keeps the descriptors of files that are asked for often; at most `limit` beside those in use. */
export class OpenFiles implements AsyncDisposable {
  readonly #limit: number;
  /** Least recently used first. */
  readonly #slots = new Map<string, Slot>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#slots.size;
  }

  /** @param open called if the file is not open; a rejection is passed on and not kept. */
  async lease(key: string, open: () => Promise<StoredObject>): Promise<OpenLease> {
    const slot = this.#slots.get(key) ?? newSlot(open());
    this.#slots.delete(key);
    this.#slots.set(key, slot);
    slot.readers += 1;
    try {
      const object = await slot.object;
      this.#trim();
      const { warmth } = slot;
      return { object, warmth, [Symbol.dispose]: () => this.#release(slot) };
    } catch (error) {
      if (this.#slots.get(key) === slot) this.#slots.delete(key);
      throw error;
    }
  }

  /** Forgets a file that turned out to be damaged. */
  drop(key: string): void {
    const slot = this.#slots.get(key);
    if (slot) this.#retire(key, slot);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [key, slot] of this.#slots) this.#retire(key, slot);
  }

  #trim(): void {
    for (const [key, slot] of this.#slots) {
      if (this.#slots.size <= this.#limit) return;
      if (slot.readers === 0) this.#retire(key, slot);
    }
  }

  #retire(key: string, slot: Slot): void {
    this.#slots.delete(key);
    slot.isKept = false;
    if (slot.readers === 0) close(slot);
  }

  #release(slot: Slot): void {
    slot.readers -= 1;
    if (slot.readers > 0) return;
    if (!slot.isKept) close(slot);
    else this.#trim();
  }
}

const newSlot = (object: Promise<StoredObject>): Slot => ({
  object,
  warmth: new Warmth(),
  readers: 0,
  isKept: true,
});

/** A descriptor that does not close is lost either way. */
function close(slot: Slot): void {
  slot.object.then((object) => object[Symbol.asyncDispose]()).catch(() => undefined);
}
