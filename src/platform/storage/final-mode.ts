import type { FileHandle } from "node:fs/promises";

const PERMISSIONS = 0o7777;

/** Mode that the files of a store get, whatever the umask takes off: what it does is seen once. */
export class FinalMode {
  /** Null leaves it to the umask. */
  readonly wanted: number | null;
  #isLeftAlone = false;

  constructor(wanted: number | null) {
    this.wanted = wanted;
  }

  /** Of a file that was made with the wanted mode. */
  async settle(handle: FileHandle): Promise<void> {
    if (this.wanted === null || this.#isLeftAlone) return;
    const { mode } = await handle.stat();
    this.#isLeftAlone = (mode & PERMISSIONS) === this.wanted;
    if (!this.#isLeftAlone) await handle.chmod(this.wanted);
  }
}
