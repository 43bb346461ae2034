import type { Readable } from "node:stream";
import type { JsonObject } from "#base/json.ts";
import { isRelativePath } from "#base/paths.ts";
import { storageErrors } from "../errors.ts";
import { RemoteObject } from "../remote-object.ts";
import type {
  BeginOptions,
  IncomingFile,
  IncomingFolders,
  PlaceOptions,
  RedirectOptions,
  SessionFiles,
  Storage,
  StoredObject,
  WrittenFile,
} from "../storage.ts";
import { clientAddress } from "./address.ts";
import { connect, type S3Connection } from "./client.ts";
import { isAbsent, translate, translated } from "./errors.ts";
import { marksOf } from "./marks.ts";
import { type S3Options, s3Options } from "./options.ts";
import { sweepUploads } from "./sweep.ts";
import { upload } from "./upload.ts";

export interface S3StorageParts {
  /** Options by the names of core-content §2.3. */
  readonly options: JsonObject;
  /** Where incoming files are written and hashed before they go to the bucket. */
  readonly local: Pick<Storage, "beginFile" | "incoming" | "sessions">;
  /** Objects say whose they are, and one that is there already is left alone (service §16). */
  readonly isMarked?: boolean;
}

/** The store in a bucket of S3, or of a server that speaks its protocol (core-content §2.3). */
export const createS3Storage = (parts: S3StorageParts): Storage => new S3Storage(parts);

class S3Storage implements Storage {
  readonly incoming: IncomingFolders;
  readonly sessions: SessionFiles;
  readonly #options: S3Options;
  readonly #local: S3StorageParts["local"];
  readonly #isMarked: boolean;
  #connection: Promise<S3Connection> | undefined;

  constructor({ options, local, isMarked = false }: S3StorageParts) {
    this.#isMarked = isMarked;
    this.#options = s3Options(options);
    this.#local = local;
    this.incoming = local.incoming;
    this.sessions = local.sessions;
  }

  beginFile(options?: BeginOptions): Promise<IncomingFile> {
    return this.#local.beginFile(options);
  }

  async place(file: WrittenFile, object: string, options: PlaceOptions = {}): Promise<void> {
    const key = this.#key(object);
    const sealed = await file.seal();
    const connection = await this.#connect();
    const marks = this.#isMarked ? marksOf(sealed, options.domain) : undefined;
    const isNew = this.#isMarked && !options.replaces;
    const work = { connection, options: this.#options, key, file, sealed };
    await translated(() => upload({ ...work, isNew, ...(marks && { marks }) }));
  }

  async open(object: string): Promise<StoredObject> {
    const found = await this.#head(object);
    if (!found) throw storageErrors.missing(object);
    const { etag, sizeBytes } = found;
    const [{ sdk, client }, place] = [await this.#connect(), this.#place(object)];
    return new RemoteObject({
      object,
      sizeBytes,
      async get(start, end, abortSignal) {
        const Range = `bytes=${start}-${end}`;
        const unchanged = etag === undefined ? {} : { IfMatch: etag };
        const command = new sdk.GetObjectCommand({ ...place, ...unchanged, Range });
        return (await client.send(command, { abortSignal })).Body as Readable;
      },
      told: (error) => (isAbsent(error) ? storageErrors.missing(object) : translate(error)),
    });
  }

  async stat(object: string): Promise<{ readonly sizeBytes: number } | undefined> {
    const found = await this.#head(object);
    return found && { sizeBytes: found.sizeBytes };
  }

  async remove(object: string): Promise<void> {
    const place = this.#place(object);
    const { sdk, client } = await this.#connect();
    await translated(async () => {
      try {
        await client.send(new sdk.DeleteObjectCommand(place));
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    });
  }

  async usage(): Promise<null> {
    return null;
  }

  async sweep(before: number): Promise<number> {
    const connection = await this.#connect();
    const { bucket, prefix } = this.#options;
    return translated(() => sweepUploads({ connection, bucket, prefix, before }));
  }

  async redirect(object: string, wanted: RedirectOptions): Promise<string | undefined> {
    const key = this.#key(object);
    const connection = await this.#connect();
    return translated(() => clientAddress({ connection, options: this.#options, key }, wanted));
  }

  async #head(
    object: string,
  ): Promise<{ readonly sizeBytes: number; readonly etag: string | undefined } | undefined> {
    const place = this.#place(object);
    const { sdk, client } = await this.#connect();
    return translated(async () => {
      try {
        const { ContentLength = 0, ETag: etag } = await client.send(
          new sdk.HeadObjectCommand(place),
        );
        return { sizeBytes: ContentLength, etag };
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    });
  }

  #connect(): Promise<S3Connection> {
    this.#connection ??= connect(this.#options);
    return this.#connection;
  }

  #place = (object: string) => ({ Bucket: this.#options.bucket, Key: this.#key(object) });

  #key(object: string): string {
    if (!isRelativePath(object)) throw storageErrors.name(object);
    return this.#options.prefix + object;
  }
}
