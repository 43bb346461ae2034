import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import {
  type Answer,
  answer,
  createUpstream,
  type Upstream,
  type UpstreamRequest,
} from "../../support/upstream.ts";

export const OCI = "application/vnd.oci.image";
export const OCI_MANIFEST = `${OCI}.manifest.v1+json`;
export const OCI_INDEX = `${OCI}.index.v1+json`;
const OCI_CONFIG = `${OCI}.config.v1+json`;
const OCI_LAYER = `${OCI}.layer.v1.tar+gzip`;
export const EMPTY = "application/vnd.oci.empty.v1+json";

export const digestOf = (bytes: string | Buffer): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** A manifest as a registry has it. */
export interface Stored {
  readonly body: string;
  readonly mediaType: string;
  readonly digest: string;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly [key: string]: unknown;
}

export const describe = ({ body, mediaType, digest }: Stored): Descriptor => ({
  mediaType,
  digest,
  size: Buffer.byteLength(body),
});

export interface FakeOptions {
  /** HEAD of manifests is answered, with the digest. Default true. */
  readonly hasHead?: boolean;
  readonly hasReferrers?: boolean;
  /** Tags of a page. */
  readonly pageSize?: number;
}

/** One repository of a stand-in registry, `library/app` unless said otherwise. */
export class FakeRepository {
  readonly name: string;
  readonly manifests = new Map<string, Stored>();
  readonly blobs = new Map<string, string>();
  readonly tags = new Map<string, string>();
  readonly #options: FakeOptions;

  constructor(name: string, options: FakeOptions) {
    this.name = name;
    this.#options = options;
  }

  blob(content: string): Descriptor {
    const digest = digestOf(content);
    this.blobs.set(digest, content);
    return { mediaType: OCI_LAYER, digest, size: Buffer.byteLength(content) };
  }

  manifest(document: Readonly<Record<string, unknown>>, mediaType = OCI_MANIFEST): Stored {
    const body = JSON.stringify({ schemaVersion: 2, mediaType, ...document });
    const stored = { body, mediaType, digest: digestOf(body) };
    this.manifests.set(stored.digest, stored);
    return stored;
  }

  /** An image with one layer per text, and labels. */
  image(
    layers: readonly string[],
    labels: Readonly<Record<string, string>> = {},
    more: Readonly<Record<string, unknown>> = {},
  ): Stored {
    const config = this.blob(
      JSON.stringify({ architecture: "amd64", os: "linux", config: { Labels: labels }, layers }),
    );
    return this.manifest({
      config: { ...config, mediaType: OCI_CONFIG },
      layers: layers.map((layer) => this.blob(layer)),
      ...more,
    });
  }

  index(children: readonly Stored[], platforms: readonly string[] = []): Stored {
    const manifests = children.map((child, at) => ({
      ...describe(child),
      ...(platforms[at] ? { platform: { architecture: platforms[at], os: "linux" } } : {}),
    }));
    return this.manifest({ manifests }, OCI_INDEX);
  }

  /** Something that refers to a manifest. */
  attach(subject: Stored, content: string, artifactType = "application/x.sbom"): Stored {
    const config = { mediaType: EMPTY, digest: this.blob("{}").digest, size: 2 };
    return this.manifest({
      artifactType,
      config,
      layers: [this.blob(content)],
      subject: describe(subject),
    });
  }

  tag(name: string, { digest }: Stored): void {
    this.tags.set(name, digest);
  }

  answer(request: UpstreamRequest): Answer {
    const url = new URL(request.path, "http://registry");
    const [, kind = "", last = ""] =
      /^\/(manifests|blobs|tags|referrers)\/(.+)$/.exec(
        url.pathname.slice(`/v2/${this.name}`.length),
      ) ?? [];
    if (kind === "tags") return this.#tagPage(url);
    if (kind === "referrers") return this.#referrersOf(last);
    if (kind === "blobs") {
      const content = this.blobs.get(last);
      return content === undefined ? answer.status(404) : answer.file(content);
    }
    if (request.method === "HEAD" && this.#options.hasHead === false) return answer.status(405);
    const stored = this.manifests.get(this.tags.get(last) ?? last);
    if (kind !== "manifests" || !stored) return answer.status(404);
    return answer.file(stored.body, {
      "content-type": stored.mediaType,
      ...(this.#options.hasHead === false ? {} : { "docker-content-digest": stored.digest }),
    });
  }

  #tagPage(url: URL): Answer {
    const last = url.searchParams.get("last") ?? "";
    const left = [...this.tags.keys()].sort().filter((tag) => tag > last);
    const page = left.slice(0, this.#options.pageSize ?? left.length);
    const more = left.length > page.length;
    return answer.file(JSON.stringify({ name: this.name, tags: page.length ? page : null }), {
      "content-type": "application/json",
      ...(more ? { link: `</v2/${this.name}/tags/list?last=${page.at(-1)}>; rel="next"` } : {}),
    });
  }

  #referrersOf(digest: string): Answer {
    if (!this.#options.hasReferrers) return answer.status(404);
    const manifests = [...this.manifests.values()].flatMap((stored) => {
      const { subject, artifactType } = JSON.parse(stored.body);
      return subject?.digest === digest ? [{ ...describe(stored), artifactType }] : [];
    });
    const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
    return answer.file(body, { "content-type": OCI_INDEX });
  }
}

export interface FakeRegistry {
  readonly upstream: Upstream;
  readonly repository: FakeRepository;
  /** Requests of a kind since the last call of `forget`: `GET manifests`. */
  count(what: string): number;
  forget(): void;
}

export async function createFakeRegistry(
  t: TestContext,
  options: FakeOptions & { readonly name?: string } = {},
): Promise<FakeRegistry> {
  const upstream = await createUpstream(t);
  const repository = new FakeRepository(options.name ?? "library/app", options);
  upstream.otherwise((request, response) => {
    const isOurs = request.path.startsWith(`/v2/${repository.name}/`);
    (isOurs ? repository.answer(request) : answer.status(request.path === "/v2/" ? 200 : 404))(
      request,
      response,
    );
  });
  return {
    upstream,
    repository,
    count: (what) => {
      const [method, kind] = what.split(" ");
      return upstream.requests.filter(
        (request) => request.method === method && request.path.includes(`/${kind}/`),
      ).length;
    },
    forget: () => void upstream.requests.splice(0),
  };
}
