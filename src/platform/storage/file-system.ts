import { closeSync, fstatSync, open } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import type { Algorithm } from "#base/digests.ts";
import { isRelativePath } from "#base/paths.ts";
import { isUuid, uuid7 } from "#base/uuid7.ts";
import { DirectorySync } from "./directory-sync.ts";
import { storageErrors, systemCode, translate, translated } from "./errors.ts";
import { type FileOperations, nodeFiles } from "./file-operations.ts";
import { FinalMode } from "./final-mode.ts";
import { HashPool } from "./hash-pool.ts";
import { FileSystemIncoming } from "./incoming-file.ts";
import { OpenFolders } from "./open-folders.ts";
import { isPlaceable, type Placeable } from "./placeable.ts";
import { SessionFilesOf } from "./session-files.ts";
import type {
  BeginOptions,
  IncomingFolders,
  SessionFiles,
  Storage,
  StoredObject,
  WrittenFile,
} from "./storage.ts";
import { StoredFile } from "./stored-object.ts";

export interface FileSystemOptions {
  /** `MEDIA_ROOT`; made when it is missing. */
  readonly root: string;
  readonly fileMode: number | null;
  readonly directoryMode: number | null;
  readonly algorithms: readonly Algorithm[];
  /** Record of the process; names its folder of incoming files. */
  readonly processId: string;
  /** Tests count and break the operations. */
  readonly files?: FileOperations;
}

const INCOMING = "tmp/incoming";
const SESSIONS = "tmp/sessions";
/** What file systems say that have no hard links, or no more of them. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

let hashPool: HashPool | undefined;

const openInThread = promisify(open);

/** The store on a local or shared file system (core-content §§2.1, 2.2). */
export function createFileSystemStorage(options: FileSystemOptions): Storage {
  return new FileSystemStorage(options);
}

class FileSystemStorage implements Storage {
  readonly incoming: IncomingFolders;
  readonly sessions: SessionFiles;
  readonly #options: FileSystemOptions;
  readonly #files: FileOperations;
  readonly #folders: OpenFolders;
  readonly #directories: DirectorySync;
  readonly #mode: FinalMode;

  constructor(options: FileSystemOptions) {
    this.#options = options;
    this.#files = options.files ?? nodeFiles;
    this.#folders = OpenFolders.of(this.#files);
    this.#directories = new DirectorySync(this.#folders);
    this.#mode = new FinalMode(options.fileMode);
    this.incoming = new IncomingFoldersOf(join(options.root, INCOMING), this.#files);
    this.sessions = new SessionFilesOf({
      ...{ folder: join(options.root, SESSIONS), files: this.#files, fileMode: options.fileMode },
      makeFolder: (folder) => this.#makeDurableFolder(folder),
      syncFolder: (folder) => this.#directories.sync(folder),
    });
  }

  async beginFile(options: BeginOptions = {}) {
    const { algorithms: wanted, ownsBytes = false, isPlacedOnce, expectedBytes = 0 } = options;
    const { root, processId } = this.#options;
    const algorithms = wanted ? ["sha256" as const, ...wanted] : this.#options.algorithms;
    hashPool ??= new HashPool();
    return new FileSystemIncoming(join(root, INCOMING, processId, uuid7()), {
      files: this.#files,
      hashes: hashPool,
      ...{ algorithms, ownsBytes, expectedBytes, mode: this.#mode, isMoved: isPlacedOnce === true },
      makeFolder: (folder) => this.#makeFolder(folder),
    });
  }

  async place(file: WrittenFile, object: string): Promise<void> {
    const target = this.#path(object);
    await file.seal();
    if (!isPlaceable(file)) return this.#placeCopy(file, object);
    try {
      await this.#placeOwn(file, target);
    } catch (error) {
      if (systemCode(error) !== "EXDEV") throw translate(error);
      await this.#placeCopy(file, object);
    }
  }

  async #placeOwn(file: Placeable, target: string): Promise<void> {
    await this.#giveName(file, target).catch(async (error) => {
      if (systemCode(error) !== "ENOENT") throw error;
      await this.#makeDurableFolder(dirname(target));
      await this.#giveName(file, target);
    });
    await this.#directories.sync(dirname(target));
  }

  /** Of a file that lies in another store, or on another file system. */
  async #placeCopy(file: WrittenFile, object: string): Promise<void> {
    await using own = await this.beginFile();
    await pipeline(bytesOf(file), own.sink);
    await this.place(own, object);
  }

  async open(object: string): Promise<StoredObject> {
    const path = this.#path(object);
    return translated(async () => {
      const descriptor = await openInThread(path, "r").catch((error) => {
        throw isAbsent(error) ? storageErrors.missing(object) : error;
      });
      const stats = fstatSync(descriptor);
      if (stats.isFile()) return new StoredFile(descriptor, object, stats.size);
      closeSync(descriptor);
      throw storageErrors.missing(object);
    });
  }

  async stat(object: string): Promise<{ readonly sizeBytes: number } | undefined> {
    try {
      const stats = await this.#files.stat(this.#path(object));
      return stats.isFile() ? { sizeBytes: stats.size } : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      return translated(() => Promise.reject(error));
    }
  }

  async remove(object: string): Promise<void> {
    const path = this.#path(object);
    await translated(async () => {
      try {
        await this.#files.unlink(path);
      } catch (error) {
        if (isAbsent(error)) return;
        throw error;
      }
      await this.#directories.sync(dirname(path));
    });
  }

  async usage(): Promise<{ total: number; used: number; free: number } | null> {
    return translated(async () => {
      await this.#makeFolder(this.#options.root);
      const { bsize, blocks, bfree, bavail } = await this.#files.statfs(this.#options.root);
      return { total: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize };
    });
  }

  async redirect(): Promise<string | undefined> {
    return undefined;
  }

  #path(object: string): string {
    if (!isRelativePath(object)) throw storageErrors.name(object);
    return join(this.#options.root, object);
  }

  /**
   * The incoming name stays, so that the caller can place the file again. A name that is taken gets
   * the new bytes at one stroke: they are known to be right, those of before may be damaged.
   */
  async #giveName(file: Placeable, target: string): Promise<void> {
    const { link, rename } = this.#files;
    const source = file.path;
    await file.restoreName();
    if (file.isToBeMoved) return file.move(target);
    try {
      await link(source, target);
    } catch (error) {
      const code = systemCode(error) ?? "";
      if (NO_LINKS.has(code)) return file.move(target);
      if (code !== "EEXIST") throw error;
      const again = `${source}.${uuid7()}`;
      await link(source, again);
      await rename(again, target);
      // A rename onto another name of the same file leaves both.
      await this.#files.rm(again, { force: true });
    }
  }

  async #makeFolder(folder: string): Promise<void> {
    const { directoryMode } = this.#options;
    const first = await this.#files.mkdir(folder, { recursive: true });
    if (first === undefined || directoryMode === null) return;
    for (const made of foldersBetween(first, folder)) {
      const handle = await this.#files.open(made, "r");
      await handle.chmod(directoryMode).finally(() => handle.close());
    }
  }

  /** A new folder is durable when its name is, and so on upwards to one that was there. */
  async #makeDurableFolder(folder: string): Promise<void> {
    await this.#makeFolder(folder);
    let at = folder;
    this.#folders.forget(at);
    while (at !== this.#options.root && at !== dirname(at)) {
      at = dirname(at);
      this.#folders.forget(at);
      await this.#directories.sync(at);
    }
  }
}

const COPY_BYTES = 1024 * 1024;

async function* bytesOf(file: WrittenFile): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.sizeBytes; ) {
    const bytes = await file.read(at, COPY_BYTES);
    if (bytes.length === 0) throw storageErrors.unavailable("the incoming file is cut off");
    yield bytes;
    at += bytes.length;
  }
}

/** `/a/b` and `/a/b/c/d` → `/a/b/c/d`, `/a/b/c`, `/a/b`. */
function foldersBetween(first: string, last: string): string[] {
  const folders = [last];
  for (let at = last; at !== first && at !== dirname(at); ) {
    at = dirname(at);
    folders.push(at);
  }
  return folders;
}

const isAbsent = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "");

class IncomingFoldersOf implements IncomingFolders {
  readonly #root: string;
  readonly #files: FileOperations;

  constructor(root: string, files: FileOperations) {
    this.#root = root;
    this.#files = files;
  }

  async list(): Promise<readonly string[]> {
    return (await this.#entries(this.#root)).filter(isUuid);
  }

  async lastWrite(processId: string): Promise<number> {
    const folder = join(this.#root, basename(processId));
    const names = await this.#entries(folder);
    const paths = [folder, ...names.map((name) => join(folder, name))];
    const times = await Promise.all(
      paths.map((path) =>
        this.#files.stat(path).then(
          ({ mtimeMs }) => mtimeMs,
          () => 0,
        ),
      ),
    );
    return times.reduce((latest, time) => Math.max(latest, time), 0);
  }

  async remove(processId: string): Promise<void> {
    const folder = join(this.#root, basename(processId));
    await translated(() => this.#files.rm(folder, { recursive: true, force: true }));
  }

  async #entries(folder: string): Promise<string[]> {
    try {
      return await this.#files.readdir(folder);
    } catch (error) {
      if (isAbsent(error)) return [];
      return translated(() => Promise.reject(error));
    }
  }
}
