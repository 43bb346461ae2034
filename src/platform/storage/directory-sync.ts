import type { OpenFolders } from "./open-folders.ts";

interface Queue {
  running: Promise<void>;
  next?: Promise<void>;
}

/**
 * Makes the names in folders durable. Whoever asks while a sync of the folder is running shares
 * the one that follows it, so many files of one folder cost few syncs.
 */
export class DirectorySync {
  readonly #folders: OpenFolders;
  readonly #queues = new Map<string, Queue>();

  constructor(folders: OpenFolders) {
    this.#folders = folders;
  }

  /** Resolves when everything that was named in the folder before this call is durable. */
  sync(folder: string): Promise<void> {
    const queue = this.#queues.get(folder);
    if (queue) {
      queue.next ??= this.#after(queue, folder);
      return queue.next;
    }
    return this.#start(folder);
  }

  async #after({ running }: Queue, folder: string): Promise<void> {
    // A failure belongs to those who asked for that sync; this one finds out for itself.
    await running.catch(() => undefined);
    return this.#start(folder);
  }

  #start(folder: string): Promise<void> {
    const queue: Queue = { running: this.#folders.sync(folder) };
    this.#queues.set(folder, queue);
    const clear = () => {
      if (this.#queues.get(folder) === queue && !queue.next) this.#queues.delete(folder);
    };
    queue.running.then(clear, clear);
    return queue.running;
  }
}
