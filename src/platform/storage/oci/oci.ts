import type { JsonObject } from "#base/json.ts";
import { storageErrors } from "../errors.ts";
import { RemoteObject } from "../remote-object.ts";
import type {
  BeginOptions,
  BundledFile,
  IncomingFile,
  IncomingFolders,
  RedirectOptions,
  SessionFiles,
  Storage,
  StoredObject,
  WrittenFile,
} from "../storage.ts";
import { layersOf } from "./bundle.ts";
import { readBlob } from "./download.ts";
import { translate, translated } from "./errors.ts";
import { type Layer, MANIFEST_TYPE, onlyLayer } from "./manifest.ts";
import { placeOf } from "./names.ts";
import { type OciOptions, ociOptions } from "./options.ts";
import { drop, Registry } from "./registry.ts";
import { blobFacts, putManifest, requireStatus, uploadBlob } from "./upload.ts";

export interface OciStorageParts {
  /** Options by the names of service §16. */
  readonly options: JsonObject;
  /** Where incoming files are written and hashed before they go to the registry. */
  readonly local: Pick<Storage, "beginFile" | "incoming" | "sessions">;
}

/** The store in a repository of a registry of OCI images (service §16). */
export const createOciStorage = (parts: OciStorageParts): Storage => new OciStorage(parts);

/** How long a registry that sends bytes itself is believed to go on so. */
const SENDS_MS = 60_000;

type Blob = Pick<Layer, "digest" | "sizeBytes">;

class OciStorage implements Storage {
  readonly incoming: IncomingFolders;
  readonly sessions: SessionFiles;
  readonly #options: OciOptions;
  readonly #local: OciStorageParts["local"];
  readonly #registry: Registry;
  /** The registry sends bytes itself, and is not asked again before. */
  #sendsUntilMs = 0;

  constructor({ options, local }: OciStorageParts) {
    this.#options = ociOptions(options);
    this.#registry = new Registry(this.#options);
    this.#local = local;
    this.incoming = local.incoming;
    this.sessions = local.sessions;
  }

  beginFile(options?: BeginOptions): Promise<IncomingFile> {
    return this.#local.beginFile(options);
  }

  async place(file: WrittenFile, object: string): Promise<void> {
    const place = placeOf(object, this.#options);
    if (place.kind === "blob") throw storageErrors.name(object);
    const sealed = await file.seal();
    await translated(async () => {
      const digest = await uploadBlob(this.#registry, file, sealed);
      const layer = { digest, sizeBytes: sealed.sizeBytes, title: object };
      await putManifest(this.#registry, place.tag, [layer]);
    });
  }

  async open(object: string): Promise<StoredObject> {
    const blob = await this.#find(object);
    if (!blob) throw storageErrors.missing(object);
    return new RemoteObject({
      object,
      sizeBytes: blob.sizeBytes,
      get: (start, end, signal) =>
        readBlob(this.#registry, { digest: blob.digest, object, start, end, signal }),
      told: translate,
    });
  }

  async stat(object: string): Promise<{ readonly sizeBytes: number } | undefined> {
    const blob = await this.#find(object);
    return blob && { sizeBytes: blob.sizeBytes };
  }

  /** The blob is the registry's to forget: other objects may have its bytes. */
  async remove(object: string): Promise<void> {
    const place = placeOf(object, this.#options);
    if (place.kind === "blob") return;
    await translated(async () => {
      const found = await this.#manifest(place.tag, "HEAD");
      if (found === undefined) return;
      const { digest } = found;
      for (const reference of digest === undefined ? [place.tag] : [digest, place.tag]) {
        const path = `manifests/${reference}`;
        const wanted = { method: "DELETE", path, access: "pull,push,delete" } as const;
        const { status } = await this.#registry.sendForText(wanted);
        if ([200, 202, 404].includes(status)) return;
        if (status !== 405) requireStatus(status, []);
      }
      throw storageErrors.unavailable("the registry deletes nothing");
    });
  }

  async usage(): Promise<null> {
    return null;
  }

  /** Where the registry itself sends those who read; undefined if it sends the bytes. */
  async redirect(object: string, { method }: RedirectOptions): Promise<string | undefined> {
    if (performance.now() < this.#sendsUntilMs) return undefined;
    const digest = await this.#digest(object);
    if (digest === undefined) throw storageErrors.missing(object);
    return translated(async () => {
      const wanted = { method, path: `blobs/${digest}`, access: "pull" } as const;
      const { status, headers, body, url } = await this.#registry.send(wanted);
      drop({ body });
      if (status === 404) throw storageErrors.missing(object);
      requireStatus(status, [200, 301, 302, 303, 307, 308]);
      if (typeof headers.location === "string" && status !== 200)
        return new URL(headers.location, url).href;
      if (method === "GET") this.#sendsUntilMs = performance.now() + SENDS_MS;
      return undefined;
    });
  }

  bundle(name: string, files: AsyncIterable<BundledFile>): Promise<readonly string[]> {
    return translated(async () => {
      const { layers, missing } = await layersOf(this.#registry, files);
      if (layers.length > 0) await putManifest(this.#registry, name, layers);
      return missing;
    });
  }

  /** The bytes of an object, if the registry has both its name and them. */
  async #find(object: string): Promise<Blob | undefined> {
    const digest = await this.#digest(object);
    if (digest === undefined) return undefined;
    return translated(async () => {
      const facts = await blobFacts(this.#registry, digest);
      return facts && { digest, sizeBytes: facts.sizeBytes };
    });
  }

  async #digest(object: string): Promise<string | undefined> {
    const place = placeOf(object, this.#options);
    if (place.kind === "blob") return place.digest;
    return translated(async () => {
      const found = await this.#manifest(place.tag, "GET");
      return found && onlyLayer(found.text)?.digest;
    });
  }

  async #manifest(tag: string, method: "GET" | "HEAD") {
    const headers = { accept: MANIFEST_TYPE };
    const wanted = { method, path: `manifests/${tag}`, access: "pull", headers } as const;
    const { status, text, headers: told } = await this.#registry.sendForText(wanted);
    if (status === 404) return undefined;
    requireStatus(status, [200]);
    const digest = told["docker-content-digest"];
    return { text, digest: typeof digest === "string" ? digest : undefined };
  }
}
