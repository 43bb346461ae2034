import type { Ctx } from "#core/ctx.ts";
import type { Redis } from "#platform/redis/redis.ts";
import type { Listing, Match, Reply, Resolution, Stored } from "./contract.ts";

/** Events of distributions are kept for an hour: an entry must not outlive what tells its age. */
const LONGEST_S = 3000;
const LARGEST_BYTES = 65_536;
/** Entries on their way to the server; more are not shared. */
const MAX_WRITES = 200;
/** How long a server is left alone that did not answer. */
const REST_MS = 5000;
/** Tells tools whether a guard has to be asked first (core-content §5.15). */
const GUARD_FIELD = "DISTRO#GUARD#PRESENT";

type Shared = Stored | (Listing & { readonly body: Buffer }) | Reply;

/** As it lies in Redis, JSON. */
interface Entry {
  /** State of the distribution that the entry belongs to. */
  readonly epoch: string;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly type: Shared["kind"];
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly file?: {
    readonly artifact: string;
    readonly sha256: string;
    readonly size: number;
    readonly name: string | null;
    readonly contentArtifact: string | null;
    readonly path: string;
    readonly at: string | null;
  };
  /** Hexadecimal. */
  readonly body?: string;
}

export interface Resolved {
  readonly resolution: Resolution;
  readonly isHit: boolean;
}

/**
 * What content processes share in Redis with `CACHE_ENABLED`: which file or page a path is, so that
 * one process's look-up serves all. One hash per distribution, `<domain>:<base path>`, with a field
 * per request (core-content §5.15).
 *
 * An entry carries the state of its distribution (events, publication, version) and is of no use in
 * any other state, so nothing has to be deleted and nothing outdated is served, whatever Redis lost,
 * kept or restored. A server that is away or hangs is left alone for some seconds.
 */
export class SharedCache {
  readonly #ctx: Ctx;
  readonly #redis: Redis | undefined;
  #restsUntilMs = 0;
  #writes = 0;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    this.#redis = isShared(ctx) ? ctx.redis : undefined;
  }

  /** The resolution that any process found for this key, else `find`'s, for the others to know. */
  async resolve(
    match: Match,
    { key, method }: { readonly key: string; readonly method: string },
    find: () => Promise<Resolution>,
  ): Promise<Resolved> {
    const { epoch, hasGrace } = match;
    // What is served for a grace period only ends with it, not with an event.
    if (!this.#redis || epoch === null || hasGrace)
      return { resolution: await find(), isHit: false };
    const place = { hash: hashOf(this.#ctx, match), field: `${key}:${method}` };
    const state = stateOf(match, epoch);
    const known = await this.#read(place, state);
    if (known) return { resolution: known, isHit: true };
    const resolution = await find();
    if (isShareable(resolution)) this.#write(match, place, entryOf(this.#ctx, resolution, state));
    return { resolution, isHit: false };
  }

  async #read({ hash, field }: Place, state: string): Promise<Resolution | undefined> {
    if (!this.#redis || Date.now() < this.#restsUntilMs) return undefined;
    try {
      const text = await this.#redis.send("HGET", hash, field);
      if (typeof text !== "string") return undefined;
      const entry = JSON.parse(text) as Entry;
      const isCurrent =
        entry.epoch === state && entry.expires > Math.floor(this.#ctx.clock.now() / 1000);
      return isCurrent ? resolutionOf(entry) : undefined;
    } catch (error) {
      this.#rest(error);
      return undefined;
    }
  }

  /** In the background; nobody waits for it. */
  #write(match: Match, { hash, field }: Place, entry: Entry): void {
    if (!this.#redis || Date.now() < this.#restsUntilMs || this.#writes >= MAX_WRITES) return;
    this.#writes += 1;
    const hasGuard = match.distribution.guard === null ? "False" : "True";
    const ttl = String(lifetimeS(this.#ctx));
    const values = [field, JSON.stringify(entry), GUARD_FIELD, hasGuard, ttl];
    this.#redis
      .run(KEEP, [hash], values)
      .catch((error: unknown) => this.#rest(error))
      .finally(() => {
        this.#writes -= 1;
      });
  }

  #rest(error: unknown): void {
    this.#restsUntilMs = Date.now() + REST_MS;
    this.#ctx.log.debug(`Redis is not asked for a while: ${error}`);
  }
}

interface Place {
  readonly hash: string;
  readonly field: string;
}

/** Whether this installation shares what is found: caching is on and a server is named. */
export const isShared = ({ redis, settings }: Ctx): boolean =>
  redis !== undefined && settings.CACHE_ENABLED;

const KEEP = {
  name: "keep",
  lua: `
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
    return redis.call('EXPIRE', KEYS[1], ARGV[5])`,
} as const;

const hashOf = ({ settings }: Ctx, { domain, distribution }: Match): string =>
  settings.DOMAIN_ENABLED ? `${domain.name}:${distribution.basePath}` : distribution.basePath;

/** What the distribution served when it was asked, and all that has happened to it. */
const stateOf = ({ distribution, publication, version }: Match, epoch: string): string =>
  [distribution.id, publication?.id, version?.id, epoch].join(" ");

const lifetimeS = ({ settings }: Ctx): number =>
  Math.min(settings.CACHE_SETTINGS.EXPIRES_TTL ?? LONGEST_S, LONGEST_S);

/** A file of another domain would need that one's settings; a long page is cheaper made than sent. */
function isShareable(resolution: Resolution): resolution is Shared {
  if (resolution.kind === "stored") return resolution.domain === undefined;
  if (resolution.kind === "reply")
    return resolution.isCacheable === true && resolution.body.length <= LARGEST_BYTES;
  if (resolution.kind !== "listing") return false;
  return Buffer.isBuffer(resolution.body) && resolution.body.length <= LARGEST_BYTES;
}

function entryOf(ctx: Ctx, resolution: Shared, epoch: string): Entry {
  const expires = Math.floor(ctx.clock.now() / 1000) + lifetimeS(ctx);
  const common = { epoch, expires, type: resolution.kind };
  if (resolution.kind === "reply") {
    const { status, headers, body } = resolution;
    return { ...common, status, headers, body: Buffer.from(body).toString("hex") };
  }
  if (resolution.kind === "listing") {
    const headers = { "Content-Type": resolution.contentType };
    return { ...common, status: 200, headers, body: resolution.body.toString("hex") };
  }
  const { artifact, contentArtifact, path, at, headers } = resolution;
  const { id, sha256, sizeBytes: size, file: name } = artifact;
  return {
    ...{ ...common, status: 200 },
    ...(headers === undefined ? {} : { headers }),
    file: { artifact: id, sha256: sha256.toString("hex"), size, name, contentArtifact, path, at },
  };
}

function resolutionOf({ type, status, headers = {}, file, body = "" }: Entry): Shared | undefined {
  if (type === "reply")
    return { kind: "reply", status, headers, body: Buffer.from(body, "hex"), isCacheable: true };
  if (type === "listing") {
    const contentType = headers["Content-Type"] ?? "";
    return { kind: "listing", contentType, body: Buffer.from(body, "hex") };
  }
  if (type !== "stored" || file === undefined) return undefined;
  const { artifact: id, sha256, size: sizeBytes, name, contentArtifact, path, at } = file;
  const artifact = { id, sha256: Buffer.from(sha256, "hex"), sizeBytes, file: name };
  return { kind: "stored", artifact, contentArtifact, path, at, headers };
}
