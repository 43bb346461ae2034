import { sha256 } from "#base/digests.ts";
import { CodedError } from "#base/errors.ts";
import type { Ctx, RemoteSession } from "#sdk";
import { MAX_METADATA_BYTES, parseCoreMetadata } from "../format/core-metadata.ts";
import { Malformed } from "../format/malformed.ts";
import { type ProjectInfo, readProjectInfo } from "../format/project-info.ts";
import { metadataFileUrl, metadataUrl } from "./address.ts";
import { askIndex, statusError, type UpstreamAnswer } from "./ask.ts";
import type { Candidate } from "./filters.ts";
import { type MetadataColumns, metadataDigest, NO_METADATA } from "./package-row.ts";
import { wholeBody } from "./whole-body.ts";

/** So many times "not found" in a row, and none before it found, means that there is nothing. */
const MISSES = 3;

/** What an upstream tells about releases beyond their files; it is asked as long as it answers. */
export class MetadataSource {
  readonly #ctx: Ctx;
  readonly #remote: RemoteSession;
  readonly #root: string;
  readonly #maxBytes: number;
  /** Answers of each kind: negative ones are misses without a hit so far. */
  readonly #answers = { project: 0, release: 0 };

  constructor(
    ctx: Ctx,
    from: { readonly remote: RemoteSession; readonly root: string; readonly maxBytes: number },
  ) {
    this.#ctx = ctx;
    this.#remote = from.remote;
    this.#root = from.root;
    this.#maxBytes = from.maxBytes;
  }

  /** `pypi/<name>/json`; undefined where upstream has none or it cannot be read. */
  project(
    name: string,
    wantsSizes: boolean,
    signal: AbortSignal,
  ): Promise<ProjectInfo | undefined> {
    return this.#json("project", metadataUrl(this.#root, name), { wantsSizes, signal });
  }

  /** `pypi/<name>/<version>/json` */
  release(name: string, version: string, signal: AbortSignal): Promise<ProjectInfo | undefined> {
    const url = metadataUrl(this.#root, name, version);
    return this.#json("release", url, { wantsSizes: false, signal });
  }

  /** The core metadata that lies beside a file (PEP 658); undefined where there is none. */
  async beside({ file }: Candidate, signal: AbortSignal): Promise<MetadataColumns | undefined> {
    if (file.coreMetadata === false) return undefined;
    const url = metadataFileUrl(file.url);
    return this.#optional(url, async () => {
      const bytes = await askIndex(this.#remote, { url, signal }, async (answer) =>
        answer.status === 200 ? wholeBody(answer.body, MAX_METADATA_BYTES) : this.#none(answer),
      );
      const expected = metadataDigest(file.coreMetadata);
      if (bytes === undefined) return undefined;
      if (expected !== undefined && sha256(bytes).toString("hex") !== expected)
        throw new Malformed("its digest is not the one that the page tells");
      return columnsOf(parseCoreMetadata(bytes));
    });
  }

  async #json(
    kind: "project" | "release",
    url: string,
    { wantsSizes, signal }: { readonly wantsSizes: boolean; readonly signal: AbortSignal },
  ): Promise<ProjectInfo | undefined> {
    if (this.#answers[kind] <= -MISSES) return undefined;
    const info = await this.#optional(url, () =>
      askIndex(this.#remote, { url, signal }, async (answer) => {
        if (answer.status !== 200) return this.#none(answer);
        const contentType = answer.headers["content-type"];
        const source = { body: answer.body, contentType, url, maxBytes: this.#maxBytes };
        return readProjectInfo(source, wantsSizes);
      }),
    );
    if (info) this.#answers[kind] = 1;
    else if (this.#answers[kind] <= 0) this.#answers[kind] -= 1;
    return info;
  }

  #none(answer: UpstreamAnswer): undefined {
    if (answer.status !== 404 && answer.status !== 410) throw statusError(answer);
    return undefined;
  }

  /** Metadata is good to have: without it a file is mirrored all the same, and the log says so. */
  async #optional<Result>(
    url: string,
    ask: () => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof CodedError) && !(error instanceof Malformed)) throw error;
      this.#ctx.log.warn(`The metadata at ${url} is left out: ${error.message}`);
      return undefined;
    }
  }
}

const columnsOf = (metadata: Readonly<Record<string, string>>): MetadataColumns =>
  Object.fromEntries(
    Object.entries(NO_METADATA).map(([column, empty]) => [column, metadata[column] ?? empty]),
  ) as MetadataColumns;
