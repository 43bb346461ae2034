import type { FileHandle } from "node:fs/promises";
import type { FileOperations } from "./file-operations.ts";

/** Somebody else may put another folder in the place of one that is open, or its volume away. */
const OPEN_MS = 10_000;
const MOST_OPEN = 256;

interface OpenFolder {
  readonly handle: FileHandle;
  readonly until: number;
}

const shared = new WeakMap<FileOperations, OpenFolders>();

/**
 * Folders that were synced a moment ago, open for the next time: that spares two of the eight trips to
 * another thread which a new file costs. All stores of a process share them, since stores come and go.
 */
export class OpenFolders {
  readonly #files: FileOperations;
  readonly #openMs: number;
  /** Opened longest ago first. */
  readonly #open = new Map<string, OpenFolder>();
  #timer: NodeJS.Timeout | undefined;

  constructor(files: FileOperations, openMs: number = OPEN_MS) {
    this.#files = files;
    this.#openMs = openMs;
  }

  static of(files: FileOperations): OpenFolders {
    const known = shared.get(files) ?? new OpenFolders(files);
    shared.set(files, known);
    return known;
  }

  /** A failure is not for the next one to ask about: the system tells of it once. */
  async sync(folder: string): Promise<void> {
    const known = this.#open.get(folder);
    const isFresh = known !== undefined && known.until > performance.now();
    const handle = isFresh ? known.handle : await this.#reopen(folder);
    try {
      await handle.sync();
    } catch (error) {
      this.forget(folder);
      throw error;
    }
  }

  /** It is made anew, or may not be the same any more. */
  forget(folder: string): void {
    const known = this.#open.get(folder);
    this.#open.delete(folder);
    // Closing waits for a sync that is under way. What is only read has nothing to lose.
    known?.handle.close().catch(() => undefined);
  }

  async #reopen(folder: string): Promise<FileHandle> {
    const handle = await this.#files.open(folder, "r");
    this.forget(folder);
    this.#open.set(folder, { handle, until: performance.now() + this.#openMs });
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= MOST_OPEN) break;
      this.forget(oldest);
    }
    this.#timer ??= setTimeout(() => this.#closeOld(), this.#openMs).unref();
    return handle;
  }

  #closeOld(): void {
    const now = performance.now();
    for (const [folder, { until }] of [...this.#open]) if (until <= now) this.forget(folder);
    this.#timer =
      this.#open.size > 0 ? setTimeout(() => this.#closeOld(), this.#openMs).unref() : undefined;
  }
}
