import { posix } from "node:path";
import type { FileEntryWithStats, Stats } from "ssh2";
import type { JsonObject } from "#base/json.ts";
import { isRelativePath } from "#base/paths.ts";
import { uuid7 } from "#base/uuid7.ts";
import { storageErrors } from "../errors.ts";
import { inParts } from "../remote-upload.ts";
import type {
  BeginOptions,
  IncomingFile,
  IncomingFolders,
  SessionFiles,
  Storage,
  StoredObject,
  WrittenFile,
} from "../storage.ts";
import { isAbsent, translated } from "./errors.ts";
import { type SftpOptions, sftpOptions } from "./options.ts";
import { SftpSession } from "./session.ts";
import { RemoteFile } from "./stored-file.ts";

export interface SftpStorageParts {
  /** Options by the names of the peer's library. */
  readonly options: JsonObject;
  /** Where incoming files are written and hashed before they go to the machine. */
  readonly local: Pick<Storage, "beginFile" | "incoming" | "sessions">;
}

const PART_BYTES = 256 * 1024;
/** Parts that are on their way at once. */
const CONCURRENCY = 8;
/** Where files are written before they get their names. */
const PLACING = "tmp/placing";

/** The store in a folder of another machine, by SFTP; it is never redirected to. */
export const createSftpStorage = (parts: SftpStorageParts): Storage => new SftpStorage(parts);

class SftpStorage implements Storage {
  readonly incoming: IncomingFolders;
  readonly sessions: SessionFiles;
  readonly #options: SftpOptions;
  readonly #local: SftpStorageParts["local"];
  readonly #session: SftpSession;

  constructor({ options, local }: SftpStorageParts) {
    this.#options = sftpOptions(options);
    this.#session = new SftpSession(this.#options);
    this.#local = local;
    this.incoming = local.incoming;
    this.sessions = local.sessions;
  }

  beginFile(options?: BeginOptions): Promise<IncomingFile> {
    return this.#local.beginFile(options);
  }

  /** Written under another name, synced, and renamed at one stroke: nobody sees a part of it. */
  async place(file: WrittenFile, object: string): Promise<void> {
    const target = this.#path(object);
    const { sizeBytes } = await file.seal();
    await translated(async () => {
      const written = this.#path(`${PLACING}/${uuid7()}`);
      await this.#makeFolder(posix.dirname(written));
      try {
        await this.#write(file, written, sizeBytes);
        await this.#makeFolder(posix.dirname(target));
        await this.#rename(written, target);
      } catch (error) {
        // The failure that led here is the one to tell.
        await this.#unlink(written).catch(() => undefined);
        throw error;
      }
    });
  }

  async open(object: string): Promise<StoredObject> {
    const path = this.#path(object);
    return translated(async () => {
      const connection = await this.#session.connection();
      try {
        const handle = await connection.do<Buffer>((sftp, done) => sftp.open(path, "r", done));
        const stats = await connection.do<Stats>((sftp, done) => sftp.fstat(handle, done));
        const file = new RemoteFile({ connection, handle, object, sizeBytes: stats.size });
        if (stats.isFile()) return file;
        await file[Symbol.asyncDispose]();
        throw storageErrors.missing(object);
      } catch (error) {
        throw isAbsent(error) ? storageErrors.missing(object) : error;
      }
    });
  }

  async stat(object: string): Promise<{ readonly sizeBytes: number } | undefined> {
    const path = this.#path(object);
    const found = await translated(() => this.#stat(path));
    return found?.isFile() ? { sizeBytes: found.size } : undefined;
  }

  async remove(object: string): Promise<void> {
    const path = this.#path(object);
    await translated(() => this.#unlink(path));
  }

  /** Of the volume there; null where the server does not tell. */
  async usage(): Promise<{ total: number; used: number; free: number } | null> {
    const path = this.#options.root === "" ? "." : this.#options.root;
    const told = await this.#session
      .do<Volume>((sftp, done) => sftp.ext_openssh_statvfs(path, done as never))
      .catch(() => undefined);
    if (!told) return null;
    const total = told.f_blocks * told.f_frsize;
    return {
      total,
      used: total - told.f_bfree * told.f_frsize,
      free: told.f_bavail * told.f_frsize,
    };
  }

  async sweep(before: number): Promise<number> {
    const folder = this.#path(PLACING);
    return translated(async () => {
      const found = await this.#session
        .do<FileEntryWithStats[]>((sftp, done) => sftp.readdir(folder, done))
        .catch((error) => {
          if (isAbsent(error)) return [];
          throw error;
        });
      const old = found.filter(({ attrs }) => attrs.mtime * 1000 < before);
      for (const { filename } of old) await this.#unlink(`${folder}/${filename}`);
      return old.length;
    });
  }

  async redirect(): Promise<undefined> {
    return undefined;
  }

  async #write(file: WrittenFile, path: string, sizeBytes: number): Promise<void> {
    const connection = await this.#session.connection();
    const handle = await connection.do<Buffer>((sftp, done) => sftp.open(path, "wx", done));
    const plan = { sizeBytes, partBytes: PART_BYTES, mostParts: Number.POSITIVE_INFINITY };
    try {
      await inParts(file, { ...plan, concurrency: CONCURRENCY }, (bytes, index) =>
        connection.do<void>((sftp, done) =>
          sftp.write(handle, bytes, 0, bytes.length, index * PART_BYTES, done as () => void),
        ),
      );
      await this.#dress(path, this.#options.fileMode);
      await connection.do<void>((sftp, done) => sftp.ext_openssh_fsync(handle, done as () => void));
    } finally {
      await connection.do<void>((sftp, done) => sftp.close(handle, done as () => void));
    }
    const arrived = (await this.#stat(path))?.size;
    if (arrived !== sizeBytes)
      throw storageErrors.unavailable(`${arrived} of ${sizeBytes} bytes arrived`);
  }

  async #dress(path: string, mode: number | undefined): Promise<void> {
    const { owner } = this.#options;
    if (mode !== undefined)
      await this.#session.do<void>((sftp, done) => sftp.chmod(path, mode, done as () => void));
    if (owner)
      await this.#session.do<void>((sftp, done) =>
        sftp.chown(path, owner.uid, owner.gid, done as () => void),
      );
  }

  async #makeFolder(path: string): Promise<void> {
    if (path === "." || path === "/" || (await this.#stat(path))?.isDirectory()) return;
    await this.#makeFolder(posix.dirname(path));
    try {
      await this.#session.do<void>((sftp, done) => sftp.mkdir(path, done as () => void));
    } catch (error) {
      // Another process may have made it.
      if (!(await this.#stat(path))?.isDirectory()) throw error;
      return;
    }
    await this.#dress(path, this.#options.directoryMode);
  }

  async #stat(path: string): Promise<Stats | undefined> {
    try {
      return await this.#session.do<Stats>((sftp, done) => sftp.stat(path, done));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async #unlink(path: string): Promise<void> {
    try {
      await this.#session.do<void>((sftp, done) => sftp.unlink(path, done as () => void));
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }

  #rename = (from: string, to: string): Promise<void> =>
    this.#session.do<void>((sftp, done) => sftp.ext_openssh_rename(from, to, done as () => void));

  #path(object: string): string {
    if (!isRelativePath(object)) throw storageErrors.name(object);
    const { root } = this.#options;
    return root === "" ? object : `${root}/${object}`;
  }
}

/** Answer to `statvfs@openssh.com`. */
interface Volume {
  readonly f_frsize: number;
  readonly f_blocks: number;
  readonly f_bfree: number;
  readonly f_bavail: number;
}
