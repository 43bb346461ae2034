import { join } from "node:path";
import { isUuid } from "#base/uuid7.ts";
import { storageErrors, systemCode, translated } from "./errors.ts";
import { type FileOperations, removeFile } from "./file-operations.ts";
import { openSessionFile } from "./session-file.ts";
import type { SessionFile, SessionFiles } from "./storage.ts";

export interface SessionFilesOptions {
  readonly folder: string;
  readonly files: FileOperations;
  readonly fileMode: number | null;
  readonly makeFolder: (folder: string) => Promise<void>;
  readonly syncFolder: (folder: string) => Promise<void>;
}

/** One file per session, by its id, in one folder. */
export class SessionFilesOf implements SessionFiles {
  readonly #options: SessionFilesOptions;

  constructor(options: SessionFilesOptions) {
    this.#options = options;
  }

  async open(id: string, sizeBytes: number): Promise<SessionFile> {
    const { folder, files, fileMode, makeFolder, syncFolder } = this.#options;
    return openSessionFile({
      ...{ files, path: this.#path(id), sizeBytes, fileMode },
      makeFolder: () => makeFolder(folder),
      syncFolder: () => syncFolder(folder),
    });
  }

  async remove(id: string): Promise<void> {
    await translated(() => removeFile(this.#options.files, this.#path(id)));
  }

  async list(): Promise<readonly { readonly id: string; readonly lastWriteMs: number }[]> {
    const { folder, files } = this.#options;
    const names = await files.readdir(folder).catch((error) => {
      if (systemCode(error) === "ENOENT") return [];
      throw error;
    });
    const found: { readonly id: string; readonly lastWriteMs: number }[] = [];
    for (const id of names.filter(isUuid)) {
      const stats = await files.stat(this.#path(id)).catch(() => undefined);
      if (stats) found.push({ id, lastWriteMs: stats.mtimeMs });
    }
    return found;
  }

  #path(id: string): string {
    if (!isUuid(id)) throw storageErrors.name(id);
    return join(this.#options.folder, id);
  }
}
