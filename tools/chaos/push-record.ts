/** An upload to the registry that was begun and has not been answered to its end. */
export interface OpenUpload {
  readonly name: string;
  readonly location: string;
  readonly bytes: Buffer;
  /** Bytes that the client was told are there. */
  acknowledged: number;
  /** The last request was sent: without its answer the blob may be there, or the upload. */
  isClosing: boolean;
}

/** A manifest that was acknowledged, as it was sent. */
export interface SentManifest {
  readonly name: string;
  readonly digest: string;
  readonly text: string;
}

/** What a tag may mean: the last that was acknowledged, or one whose answer never came. */
interface TagState {
  acknowledged: string | undefined;
  readonly doubtful: Set<string>;
}

/** What clients that push were told, and what they do not know (R1, R2). */
export class PushRecord {
  /** By name and digest, in the order of their answers. */
  readonly #blobs = new Map<string, { readonly name: string; readonly digest: string }>();
  readonly #manifests = new Map<string, SentManifest>();
  readonly #tags = new Map<string, TagState>();
  readonly open = new Set<OpenUpload>();
  resumed = 0;
  /** Uploads without any acknowledged byte that a crash of the database has forgotten. */
  unbegun = 0;

  get blobs() {
    return [...this.#blobs.values()];
  }

  get manifests() {
    return [...this.#manifests.values()];
  }

  addBlob(name: string, digest: string): void {
    this.#blobs.set(`${name}@${digest}`, { name, digest });
  }

  addManifest(manifest: SentManifest): void {
    this.#manifests.set(`${manifest.name}@${manifest.digest}`, manifest);
  }

  /** A tag is about to be moved; of one that several clients move only the targets are known. */
  beginTag(name: string, tag: string, digest: string): void {
    this.#tag(name, tag).doubtful.add(digest);
  }

  /** The only client that moves the tag was answered. */
  endTag(name: string, tag: string, digest: string): void {
    const state = this.#tag(name, tag);
    state.acknowledged = digest;
    state.doubtful.clear();
  }

  /** Whether a tag may mean this; what it is now seen to mean is what it means. */
  settleTag(name: string, tag: string, digest: string): boolean {
    const state = this.#tag(name, tag);
    const isRight = state.acknowledged === digest || state.doubtful.has(digest);
    if (isRight) this.endTag(name, tag, digest);
    return isRight;
  }

  /** Tags that were acknowledged, and have to be there. */
  tagsOf(name: string): string[] {
    const prefix = `${name}:`;
    return [...this.#tags]
      .filter(([key, { acknowledged }]) => key.startsWith(prefix) && acknowledged !== undefined)
      .map(([key]) => key.slice(prefix.length));
  }

  #tag(name: string, tag: string): TagState {
    const key = `${name}:${tag}`;
    const known = this.#tags.get(key) ?? { acknowledged: undefined, doubtful: new Set<string>() };
    this.#tags.set(key, known);
    return known;
  }
}
