/** Bytes after which it is looked at whether the disk was asked. */
const WINDOW_BYTES = 4_194_304;
const WARM_MS = 30_000;
/** A piece that takes longer stopped everybody else; the file is not read on the spot for a while. */
const STALL_MS = 50;
const COLD_MS = 60_000;

export interface WarmthOptions {
  /** Blocks that this process has read from disks so far. */
  readonly blocksRead?: () => number;
}

/**
 * Whether the operating system has a file in memory. Such a file is read on the spot, which costs
 * half of handing each piece to a thread and taking it back on another core. It counts as warm
 * after a window of it was read and the process read nothing from a disk meanwhile.
 */
export class Warmth {
  readonly #blocksRead: () => number;
  #blocksBefore = -1;
  #windowBytes = 0;
  #warmUntil = 0;
  #coldUntil = 0;

  constructor({ blocksRead = () => process.resourceUsage().fsRead }: WarmthOptions = {}) {
    this.#blocksRead = blocksRead;
  }

  isWarm(now: number): boolean {
    return now < this.#warmUntil;
  }

  /** Takes note of a piece that was read from `began` to `ended` (milliseconds). */
  note(bytes: number, began: number, ended: number): void {
    if (this.isWarm(began) && ended - began > STALL_MS) {
      this.#coldUntil = ended + COLD_MS;
      this.#warmUntil = 0;
    }
    this.#windowBytes += bytes;
    if (this.#windowBytes < WINDOW_BYTES) return;
    this.#windowBytes = 0;
    const blocks = this.#blocksRead();
    const isProven = blocks === this.#blocksBefore && ended >= this.#coldUntil;
    this.#warmUntil = isProven ? ended + WARM_MS : 0;
    this.#blocksBefore = blocks;
  }
}
