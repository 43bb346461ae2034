import { createHash, type Hash, randomBytes, randomFillSync } from "node:crypto";
import { request } from "undici";

const IMAGE = "application/vnd.oci.image.manifest.v1+json";

/** A registry, and what its clients show it. */
export interface RegistryTarget {
  readonly url: string;
  /** `Authorization` for a repository; none where nobody is asked. */
  authorization(name: string): Promise<string | undefined>;
}

/** A token of ours lives for five minutes. */
const TOKEN_MS = 120_000;

/** Tokens are kept for a while, as clients do: a load that is measured mostly asks for none. */
export function withTokens(url: string, username: string, password: string): RegistryTarget {
  const known = new Map<string, { readonly authorization: string; readonly until: number }>();
  return {
    url,
    async authorization(name) {
      const kept = known.get(name);
      if (kept && kept.until > Date.now()) return kept.authorization;
      const authorization = await tokenFor(url, { name, username, password });
      known.set(name, { authorization, until: Date.now() + TOKEN_MS });
      return authorization;
    },
  };
}

async function tokenFor(
  url: string,
  who: { readonly name: string; readonly username: string; readonly password: string },
): Promise<string> {
  const scope = `repository:${who.name}:push`;
  const service = new URL(url).host;
  const basic = Buffer.from(`${who.username}:${who.password}`).toString("base64");
  const answer = await fetch(`${url}/token/?${new URLSearchParams({ service, scope })}`, {
    headers: { authorization: `Basic ${basic}` },
  });
  return `Bearer ${((await answer.json()) as { token: string }).token}`;
}

export const withoutAccess = (url: string): RegistryTarget => ({
  url,
  authorization: async () => undefined,
});

export const digestOf = (bytes: Uint8Array | string): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** Digits of a layer that make it another one. */
const NEW_BYTES = 16;

/**
 * Layers of one size that nobody has yet. They share their bytes but for the last few, so that neither
 * randomness nor digests of the generator count where a server is measured.
 */
class NewLayers {
  readonly #bytes: Buffer;
  readonly #hash: Hash;

  constructor(sizeBytes: number) {
    this.#bytes = randomBytes(sizeBytes);
    this.#hash = createHash("sha256").update(this.#bytes.subarray(0, -NEW_BYTES));
  }

  /** The bytes are good until the next call. */
  next(): { readonly bytes: Buffer; readonly digest: string } {
    const last = randomFillSync(this.#bytes.subarray(-NEW_BYTES));
    return { bytes: this.#bytes, digest: `sha256:${this.#hash.copy().update(last).digest("hex")}` };
  }
}

/** A client of one repository. */
export class RegistryClient {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #layers = new Map<number, NewLayers>();
  readonly name: string;

  constructor(url: string, name: string, authorization: string | undefined) {
    this.#url = url;
    this.name = name;
    this.#headers = { accept: IMAGE, ...(authorization === undefined ? {} : { authorization }) };
  }

  static async open(target: RegistryTarget, name: string): Promise<RegistryClient> {
    return new RegistryClient(target.url, name, await target.authorization(name));
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }

  async pushBlob(bytes: Buffer, digest = digestOf(bytes)): Promise<string> {
    const begun = await this.#ask("POST", `/v2/${this.name}/blobs/uploads/`, undefined);
    const location = new URL(String(begun.headers.location ?? ""), this.#url);
    location.searchParams.set("digest", digest);
    await this.#ask("PUT", location.href, bytes, "application/octet-stream");
    return digest;
  }

  async pushManifest(reference: string, manifest: object): Promise<string> {
    const text = Buffer.from(JSON.stringify(manifest));
    await this.#ask("PUT", `/v2/${this.name}/manifests/${reference}`, text, IMAGE);
    return digestOf(text);
  }

  /** One image of one layer: these bytes, or so many new ones; one push of a client at a time. */
  async pushImage(reference: string, layer: Buffer | number): Promise<string> {
    const { bytes, digest } =
      typeof layer === "number" ? this.#newLayer(layer) : { bytes: layer, digest: digestOf(layer) };
    await this.pushBlob(bytes, digest);
    const part = { digest, size: bytes.length };
    return this.pushManifest(reference, {
      ...{ schemaVersion: 2, mediaType: IMAGE },
      config: { mediaType: "application/vnd.example.config", ...part },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...part }],
    });
  }

  #newLayer(sizeBytes: number) {
    const layers = this.#layers.get(sizeBytes) ?? new NewLayers(sizeBytes);
    this.#layers.set(sizeBytes, layers);
    return layers.next();
  }

  async #ask(method: "POST" | "PUT", path: string, body: Buffer | undefined, type?: string) {
    const answer = await request(new URL(path, this.#url), {
      method,
      headers: { ...this.#headers, ...(type === undefined ? {} : { "content-type": type }) },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.body.text();
    if (answer.statusCode < 300) return answer;
    throw new Error(`${method} ${path} answered ${answer.statusCode}: ${text}`);
  }
}
