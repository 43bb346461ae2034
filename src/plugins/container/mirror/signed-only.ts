import { isIndexType } from "../format/media-types.ts";
import { aboutUpstream } from "../upstream/errors.ts";
import { upstreamManifest } from "../upstream/registry.ts";
import type { MirrorSync } from "./mirror-sync.ts";
import { companionSubject } from "./select.ts";

/** Which images count as signed where only tags of signatures tell (plugin-container §5, 5). */
export class SignedOnly {
  readonly #sync: MirrorSync;
  readonly #companions: ReadonlySet<string>;

  /** @param tags all of the upstream. */
  constructor(sync: MirrorSync, tags: readonly string[]) {
    this.#sync = sync;
    this.#companions = new Set(tags.filter((tag) => companionSubject(tag) !== undefined));
  }

  async admits(reference: string, digest: string): Promise<boolean> {
    if (this.#companions.has(reference)) return true;
    const name = digest.replace(":", "-");
    if (this.#companions.has(`${name}.sig`)) return true;
    return this.#companions.has(name) && (await this.#isBundle(name));
  }

  /** An index that lists only attachments. */
  async #isBundle(reference: string): Promise<boolean> {
    const { job, upstream } = this.#sync;
    try {
      const facts = await upstreamManifest(upstream, { reference, signal: job.signal });
      if (!facts || !isIndexType(facts.mediaType)) return false;
      const { manifests } = JSON.parse(facts.bytes.toString("utf8")) as {
        manifests: readonly { readonly artifactType?: unknown }[];
      };
      return manifests.length > 0 && manifests.every(({ artifactType }) => Boolean(artifactType));
    } catch (error) {
      job.signal.throwIfAborted();
      job.ctx.log.warn(`${reference} signs nothing: ${aboutUpstream(error).message}`);
      return false;
    }
  }
}
