import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Bucket, File } from "@google-cloud/storage";
import type { JsonObject } from "#base/json.ts";
import { encodePath, isRelativePath } from "#base/paths.ts";
import { storageErrors } from "../errors.ts";
import { RemoteObject } from "../remote-object.ts";
import { exactly, inSteps } from "../remote-upload.ts";
import type {
  BeginOptions,
  IncomingFile,
  IncomingFolders,
  RedirectOptions,
  SealedFile,
  SessionFiles,
  Storage,
  StoredObject,
  WrittenFile,
} from "../storage.ts";
import { isAbsent, translate, translated } from "./errors.ts";
import { type GcsOptions, gcsOptions } from "./options.ts";

export interface GcsStorageParts {
  /** Options by the names of core-content §2.3. */
  readonly options: JsonObject;
  /** Where incoming files are written and hashed before they go to the bucket. */
  readonly local: Pick<Storage, "beginFile" | "incoming" | "sessions">;
}

/** Larger files go in several requests, each of which can be repeated. */
const WHOLE_BYTES = 8 * 1024 * 1024;
/** Of one request, with growing pauses: a store that asks to slow down is met with patience. */
const RETRIES = { autoRetry: true, maxRetries: 5, retryDelayMultiplier: 2, totalTimeout: 120 };
const GOOGLE = "https://storage.googleapis.com";

/** The store in a bucket of Google Cloud Storage (core-content §2.3). */
export const createGcsStorage = (parts: GcsStorageParts): Storage => new GcsStorage(parts);

class GcsStorage implements Storage {
  readonly incoming: IncomingFolders;
  readonly sessions: SessionFiles;
  readonly #options: GcsOptions;
  readonly #local: GcsStorageParts["local"];
  #bucket: Promise<Bucket> | undefined;

  constructor({ options, local }: GcsStorageParts) {
    this.#options = gcsOptions(options);
    this.#local = local;
    this.incoming = local.incoming;
    this.sessions = local.sessions;
  }

  beginFile(options?: BeginOptions): Promise<IncomingFile> {
    return this.#local.beginFile(options);
  }

  /** The service compares checksums, and is asked afterwards what it has (reliability F19). */
  async place(file: WrittenFile, object: string): Promise<void> {
    const target = await this.#file(object);
    const sealed = await file.seal();
    await translated(async () => {
      if (sealed.sizeBytes <= WHOLE_BYTES) await this.#putWhole(target, file, sealed);
      else await this.#putSteps(target, file, sealed);
      const arrived = await factsOf(target);
      if (arrived?.sizeBytes !== sealed.sizeBytes)
        throw storageErrors.unavailable(
          `${arrived?.sizeBytes} of ${sealed.sizeBytes} bytes arrived`,
        );
    });
  }

  async open(object: string): Promise<StoredObject> {
    const found = await this.#facts(object);
    if (!found) throw storageErrors.missing(object);
    const { sizeBytes, generation } = found;
    const pinned = (await this.#connect()).file(this.#options.prefix + object, { generation });
    return new RemoteObject({
      object,
      sizeBytes,
      async get(start, end) {
        return pinned.createReadStream({ start, end, validation: false, decompress: false });
      },
      told: (error) => (isAbsent(error) ? storageErrors.missing(object) : translate(error)),
    });
  }

  async stat(object: string): Promise<{ readonly sizeBytes: number } | undefined> {
    const found = await this.#facts(object);
    return found && { sizeBytes: found.sizeBytes };
  }

  async remove(object: string): Promise<void> {
    const file = await this.#file(object);
    await translated(() => file.delete({ ignoreNotFound: true }));
  }

  async usage(): Promise<null> {
    return null;
  }

  /** A V4 signature for reading, which is good for HEAD too (core-content §2.4). */
  async redirect(object: string, wanted: RedirectOptions): Promise<string | undefined> {
    const file = await this.#file(object);
    const { customEndpoint, apiEndpoint, bucket, prefix, isSigned } = this.#options;
    const host = customEndpoint ?? apiEndpoint ?? GOOGLE;
    // A host of one's own stands for the bucket.
    const root = customEndpoint === undefined ? `${host}/${bucket}` : host;
    if (!isSigned) return `${root}/${encodePath(prefix + object)}`;
    return translated(async () => {
      const [address] = await file.getSignedUrl({
        ...{ version: "v4", action: "read" },
        expires: Date.now() + this.#options.lifetimeSeconds * 1000,
        responseDisposition: `attachment;filename=${wanted.fileName}`,
        responseType: wanted.contentType,
        ...(customEndpoint === undefined ? { host } : { cname: customEndpoint }),
      });
      return address;
    });
  }

  async #putWhole(target: File, file: WrittenFile, sealed: SealedFile): Promise<void> {
    const bytes = await exactly(file, 0, sealed.sizeBytes);
    const md5Hash = createHash("md5").update(bytes).digest("base64");
    await target.save(bytes, {
      ...this.#parameters(sealed, { md5Hash }),
      resumable: false,
      validation: "md5",
    });
  }

  async #putSteps(target: File, file: WrittenFile, sealed: SealedFile): Promise<void> {
    const { chunkBytes: chunkSize } = this.#options;
    const sink = target.createWriteStream({
      ...this.#parameters(sealed),
      ...{ resumable: true, chunkSize, validation: "crc32c" },
    });
    await pipeline(Readable.from(inSteps(file, sealed.sizeBytes), { objectMode: false }), sink);
  }

  #parameters({ digests }: SealedFile, more: { readonly md5Hash?: string } = {}) {
    const { uploadMetadata, acl } = this.#options;
    const metadata = { ...uploadMetadata, ...more, metadata: { sha256: digests.sha256 } };
    return { metadata, ...(acl === undefined ? {} : { predefinedAcl: acl as "private" }) };
  }

  async #facts(object: string): Promise<Facts | undefined> {
    const file = await this.#file(object);
    return translated(() => factsOf(file));
  }

  async #file(object: string): Promise<File> {
    if (!isRelativePath(object)) throw storageErrors.name(object);
    return (await this.#connect()).file(this.#options.prefix + object);
  }

  #connect(): Promise<Bucket> {
    this.#bucket ??= open(this.#options);
    return this.#bucket;
  }
}

/** The library is loaded for the first store that needs it. */
async function open({ project, credentials, apiEndpoint, bucket }: GcsOptions): Promise<Bucket> {
  const { IdempotencyStrategy, Storage: Service } = await import("@google-cloud/storage");
  const service = new Service({
    projectId: project,
    ...(credentials ? { credentials } : {}),
    // Stand-ins speak plain http, and know no accounts.
    ...(apiEndpoint === undefined
      ? {}
      : { apiEndpoint, useAuthWithCustomEndpoint: apiEndpoint.startsWith("https:") }),
    // The same bytes under the same name: nothing is harmed by a second time.
    retryOptions: { ...RETRIES, idempotencyStrategy: IdempotencyStrategy.RetryAlways },
  });
  return service.bucket(bucket);
}

interface Facts {
  readonly sizeBytes: number;
  /** Which of the objects that have had the name. */
  readonly generation: string;
}

async function factsOf(file: File): Promise<Facts | undefined> {
  try {
    const [{ size, generation }] = await file.getMetadata();
    return { sizeBytes: Number(size), generation: String(generation) };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
