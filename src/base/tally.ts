/** How counts are gathered and written. */
export interface TallyOptions<Entry> {
  /** So long counts wait for others; what a process had not written when it died is lost. */
  readonly pauseMs: number;
  /** Entries between two writes; what is new beyond them is not counted. */
  readonly most: number;
  /** Both together, under the key that they share. */
  sum(known: Entry, more: Entry): Entry;
  /** Writes all or nothing: what throws is tried again with the next ones. */
  write(entries: readonly Entry[]): Promise<void>;
  /** @param count entries that are written later. */
  failed(error: unknown, count: number): void;
}

/** Counts things by key in memory and writes them together, so that nobody waits for a count. */
export class Tally<Entry> {
  readonly #options: TallyOptions<Entry>;
  #entries = new Map<string, Entry>();
  #lost = 0;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TallyOptions<Entry>) {
    this.#options = options;
  }

  /** How often something was not counted because there was too much. */
  get lost(): number {
    return this.#lost;
  }

  add(key: string, entry: Entry): void {
    const { sum, most, pauseMs } = this.#options;
    const known = this.#entries.get(key);
    if (known === undefined && this.#entries.size >= most) {
      this.#lost += 1;
      return;
    }
    this.#entries.set(key, known === undefined ? entry : sum(known, entry));
    this.#timer ??= setTimeout(() => this.#begin(), pauseMs).unref();
  }

  /** Writes what is left, once; what comes later is gathered as before. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #begin(): void {
    this.#timer = undefined;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    if (this.#entries.size === 0) return;
    const entries = this.#entries;
    this.#entries = new Map();
    try {
      await this.#options.write([...entries.values()]);
    } catch (error) {
      this.#options.failed(error, entries.size);
      for (const [key, entry] of entries) this.add(key, entry);
    }
  }
}
