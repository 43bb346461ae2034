import { mapBounded } from "#base/parallel.ts";
import type { DeclaredUnit } from "#sdk";
import { containerSignature } from "../content.ts";
import {
  type SignatureSource,
  type UpstreamSignature,
  upstreamSignatures,
} from "../upstream/signatures.ts";
import type { MirrorSync } from "./mirror-sync.ts";

/** The signatures that an upstream has of the manifests of one sync; each is asked for once. */
export class MirrorSignatures {
  readonly #sync: MirrorSync;
  readonly #source: SignatureSource;
  /** Those that were asked for and are no units yet. */
  readonly #waiting = new Map<string, Promise<readonly UpstreamSignature[]>>();

  constructor(sync: MirrorSync, source: SignatureSource) {
    this.#sync = sync;
    this.#source = source;
  }

  get hasSource(): boolean {
    return this.#source.kind !== "none";
  }

  async isSigned(digest: string): Promise<boolean> {
    return (await this.#of(digest)).length > 0;
  }

  /** @param manifests digest → `content.id` of manifests that are saved. */
  async units(manifests: ReadonlyMap<string, string>): Promise<DeclaredUnit[]> {
    if (!this.hasSource) return [];
    const { remote } = this.#sync;
    const lists = await mapBounded([...manifests], remote.concurrency, async ([digest, id]) => {
      const signatures = await this.#of(digest);
      this.#waiting.delete(digest);
      return signatures.map((signature) => signatureUnit(signature, id));
    });
    return lists.flat();
  }

  #of(digest: string): Promise<readonly UpstreamSignature[]> {
    const { job, upstream } = this.#sync;
    const asked =
      this.#waiting.get(digest) ??
      upstreamSignatures(upstream, {
        source: this.#source,
        digest,
        signal: job.signal,
        onSkipped: (problem) => job.ctx.log.warn(problem),
      });
    this.#waiting.set(digest, asked);
    return asked;
  }
}

/** @param manifest `content.id` */
const signatureUnit = (signature: UpstreamSignature, manifest: string): DeclaredUnit => ({
  type: containerSignature,
  row: {
    name: signature.name,
    digest: signature.digest,
    type: "atomic",
    key_id: signature.keyId,
    fingerprint: signature.fingerprint,
    timestamp: signature.timestamp,
    creator: signature.creator,
    manifest,
    body: signature.bytes,
  },
  files: [],
});
