import type { FileHandle } from "node:fs/promises";
import type { FileOperations } from "./file-operations.ts";

/** Somebody else may put another folder in the place of one that is open, or its volume away. */
const OPEN_MS = 10_000;
const MOST_OPEN = 256;

interface OpenFolder {
  readonly handle: Promise<FileHandle>;
  readonly until: number;
  /** Syncs under way. */
  users: number;
  isForgotten: boolean;
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

  /** Makes durable what was named in the folder; one that could not be synced is opened anew. */
  async sync(folder: string): Promise<void> {
    const known = this.#open.get(folder);
    const isFresh = known !== undefined && known.until > performance.now();
    const open = isFresh ? known : this.#reopen(folder);
    open.users += 1;
    try {
      await (await open.handle).sync();
    } catch (error) {
      if (this.#open.get(folder) === open) this.forget(folder);
      throw error;
    } finally {
      open.users -= 1;
      closeUnused(open);
    }
  }

  /** It is made anew, or may not be the same any more. */
  forget(folder: string): void {
    const known = this.#open.get(folder);
    if (!known) return;
    this.#open.delete(folder);
    known.isForgotten = true;
    closeUnused(known);
  }

  #reopen(folder: string): OpenFolder {
    this.forget(folder);
    const until = performance.now() + this.#openMs;
    const made = { handle: this.#files.open(folder, "r"), until, users: 0, isForgotten: false };
    this.#open.set(folder, made);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= MOST_OPEN) break;
      this.forget(oldest);
    }
    this.#timer ??= setTimeout(() => this.#closeOld(), this.#openMs).unref();
    return made;
  }

  #closeOld(): void {
    const now = performance.now();
    for (const [folder, { until }] of [...this.#open]) if (until <= now) this.forget(folder);
    this.#timer =
      this.#open.size > 0 ? setTimeout(() => this.#closeOld(), this.#openMs).unref() : undefined;
  }
}

function closeUnused({ users, isForgotten, handle }: OpenFolder): void {
  // One that could not be opened has told whoever asked; what is only read has nothing to lose.
  if (isForgotten && users === 0) handle.then((each) => each.close()).catch(() => undefined);
}
