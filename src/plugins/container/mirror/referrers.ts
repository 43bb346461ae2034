import { mapBounded } from "#base/parallel.ts";
import { aboutUpstream } from "../upstream/errors.ts";
import { upstreamReferrers } from "../upstream/referrers.ts";
import type { MirrorSync } from "./mirror-sync.ts";
import { mirrorSettingsOf } from "./settings.ts";

/**
 * What is attached to the manifests of one sync by the referrers API. An upstream without it is asked
 * once: there tags named after digests tell, which are mirrored as tags or as companions.
 */
export class MirrorReferrers {
  readonly #sync: MirrorSync;
  #isThere: boolean;

  constructor(sync: MirrorSync) {
    this.#sync = sync;
    this.#isThere = mirrorSettingsOf(sync.job.ctx).CONTAINER_SYNC_REFERRERS;
  }

  /** Digests of all that refers to any of these. */
  async of(digests: readonly string[]): Promise<string[]> {
    const { remote } = this.#sync;
    const [first, ...others] = digests;
    if (!this.#isThere || first === undefined) return [];
    const found = await this.#one(first);
    if (!this.#isThere) return [];
    const more = await mapBounded(others, remote.concurrency, (digest) => this.#one(digest));
    return [...new Set([...found, ...more.flat()])];
  }

  /** An image is not left out because what is attached to it cannot be listed. */
  async #one(digest: string): Promise<string[]> {
    const { job, upstream } = this.#sync;
    try {
      const found = await upstreamReferrers(upstream, digest, job.signal);
      if (!found) this.#isThere = false;
      return found ?? [];
    } catch (error) {
      job.signal.throwIfAborted();
      const { message } = aboutUpstream(error);
      job.ctx.log.warn(`What refers to ${digest} is left out: ${message}`);
      return [];
    }
  }
}
