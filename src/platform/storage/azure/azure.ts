import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { BlockBlobClient, ContainerClient } from "@azure/storage-blob";
import type { JsonObject } from "#base/json.ts";
import { isRelativePath } from "#base/paths.ts";
import { storageErrors } from "../errors.ts";
import { RemoteObject } from "../remote-object.ts";
import { exactly, inParts } from "../remote-upload.ts";
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
import { type AzureOptions, azureOptions } from "./options.ts";

export interface AzureStorageParts {
  /** Options by the names of core-content §2.3. */
  readonly options: JsonObject;
  /** Where incoming files are written and hashed before they go to the container. */
  readonly local: Pick<Storage, "beginFile" | "incoming" | "sessions">;
}

const BLOCK_BYTES = 8 * 1024 * 1024;
/** The service takes no more. */
const MOST_BLOCKS = 50_000;
/** Of one request, with growing pauses: a store that asks to slow down is met with patience. */
const RETRIES = { maxTries: 6, retryDelayInMs: 200, maxRetryDelayInMs: 10_000 };

/** The store in a container of Azure Blob (core-content §2.3). */
export const createAzureStorage = (parts: AzureStorageParts): Storage => new AzureStorage(parts);

class AzureStorage implements Storage {
  readonly incoming: IncomingFolders;
  readonly sessions: SessionFiles;
  readonly #options: AzureOptions;
  readonly #local: AzureStorageParts["local"];
  #container: Promise<ContainerClient> | undefined;

  constructor({ options, local }: AzureStorageParts) {
    this.#options = azureOptions(options);
    this.#local = local;
    this.incoming = local.incoming;
    this.sessions = local.sessions;
  }

  beginFile(options?: BeginOptions): Promise<IncomingFile> {
    return this.#local.beginFile(options);
  }

  /** The service is told what the bytes hash to, and asked afterwards what it has (F19). */
  async place(file: WrittenFile, object: string): Promise<void> {
    const blob = await this.#blob(object);
    const sealed = await file.seal();
    await translated(async () => {
      if (sealed.sizeBytes <= BLOCK_BYTES) await this.#putWhole(blob, file, sealed);
      else await this.#putBlocks(blob, file, sealed);
      const { contentLength } = await blob.getProperties();
      if (contentLength !== sealed.sizeBytes)
        throw storageErrors.unavailable(`${contentLength} of ${sealed.sizeBytes} bytes arrived`);
    });
  }

  async open(object: string): Promise<StoredObject> {
    const blob = await this.#blob(object);
    const found = await properties(blob);
    if (!found) throw storageErrors.missing(object);
    const { sizeBytes, etag } = found;
    return new RemoteObject({
      object,
      sizeBytes,
      async get(start, end, abortSignal) {
        const conditions = etag === undefined ? {} : { ifMatch: etag };
        const options = { abortSignal, conditions, maxRetryRequests: 0 };
        const answer = await blob.download(start, end - start + 1, options);
        return answer.readableStreamBody as Readable;
      },
      told: (error) => (isAbsent(error) ? storageErrors.missing(object) : translate(error)),
    });
  }

  async stat(object: string): Promise<{ readonly sizeBytes: number } | undefined> {
    const found = await properties(await this.#blob(object));
    return found && { sizeBytes: found.sizeBytes };
  }

  async remove(object: string): Promise<void> {
    const blob = await this.#blob(object);
    await translated(() => blob.deleteIfExists());
  }

  async usage(): Promise<null> {
    return null;
  }

  /** A shared access signature for reading this one blob (core-content §2.4). */
  async redirect(object: string, wanted: RedirectOptions): Promise<string | undefined> {
    const blob = await this.#blob(object);
    const { BlobSASPermissions } = await import("@azure/storage-blob");
    const { lifetimeSeconds, customDomain } = this.#options;
    const address = new URL(
      await blob.generateSasUrl({
        permissions: BlobSASPermissions.from({ read: true }),
        expiresOn: new Date(Date.now() + lifetimeSeconds * 1000),
        contentDisposition: `attachment;filename=${wanted.fileName}`,
        contentType: wanted.contentType,
      }),
    );
    if (customDomain !== undefined) address.host = customDomain;
    return address.href;
  }

  async #putWhole(blob: BlockBlobClient, file: WrittenFile, sealed: SealedFile): Promise<void> {
    const bytes = await exactly(file, 0, sealed.sizeBytes);
    await blob.upload(bytes, bytes.length, {
      ...this.#parameters(sealed),
      transactionalContentMD5: createHash("md5").update(bytes).digest(),
    });
  }

  /** Blocks that are not committed are the service's to forget. */
  async #putBlocks(blob: BlockBlobClient, file: WrittenFile, sealed: SealedFile): Promise<void> {
    const plan = { sizeBytes: sealed.sizeBytes, partBytes: BLOCK_BYTES, mostParts: MOST_BLOCKS };
    const { concurrency } = this.#options;
    const ids = await inParts(file, { ...plan, concurrency }, async (bytes, index) => {
      const id = Buffer.from(String(index).padStart(8, "0")).toString("base64");
      const transactionalContentMD5 = createHash("md5").update(bytes).digest();
      await blob.stageBlock(id, bytes, bytes.length, { transactionalContentMD5 });
      return id;
    });
    await blob.commitBlockList(ids, this.#parameters(sealed));
  }

  #parameters({ digests }: SealedFile) {
    const { cacheControl } = this.#options;
    return {
      metadata: { sha256: digests.sha256 },
      ...(cacheControl === undefined
        ? {}
        : { blobHTTPHeaders: { blobCacheControl: cacheControl } }),
    };
  }

  async #blob(object: string): Promise<BlockBlobClient> {
    if (!isRelativePath(object)) throw storageErrors.name(object);
    this.#container ??= this.#connect();
    return (await this.#container).getBlockBlobClient(this.#options.prefix + object);
  }

  /** The library is loaded for the first store that needs it. */
  async #connect(): Promise<ContainerClient> {
    const { BlobServiceClient } = await import("@azure/storage-blob");
    const { connection, container, timeoutMs } = this.#options;
    const retryOptions = { ...RETRIES, tryTimeoutInMs: timeoutMs };
    const service = BlobServiceClient.fromConnectionString(connection, { retryOptions });
    return service.getContainerClient(container);
  }
}

const properties = (blob: BlockBlobClient) =>
  translated(async () => {
    try {
      const { contentLength: sizeBytes = 0, etag } = await blob.getProperties();
      return { sizeBytes, etag };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  });
