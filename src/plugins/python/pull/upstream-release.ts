import { CodedError } from "#base/errors.ts";
import type { Ctx, DomainRef } from "#sdk";
import { openRemote } from "#sdk";
import type { Described } from "../index/metadata-members.ts";
import { indexRoot } from "../mirror/address.ts";
import { MetadataSource } from "../mirror/metadata-source.ts";
import { infoColumns, type MetadataColumns, NO_METADATA } from "../mirror/package-row.ts";
import { mostPageBytes, pageFreshMs } from "../mirror/settings.ts";

/** A release that only upstream has. */
export interface UpstreamRelease {
  readonly domain: DomainRef;
  /** Which remote, and when that changed. */
  readonly remote: { readonly id: string; readonly changed: string };
  /** Normalised. */
  readonly name: string;
  readonly version: string;
  /** As its page tells it. */
  readonly requires_python: string;
}

/** How long upstream may take. */
const PATIENCE_MS = 20_000;
/** Releases that a process remembers; a description may have a hundred kilobytes. */
const MOST_KEPT = 100;

interface Kept {
  readonly askedMs: number;
  readonly columns: Promise<Named>;
}

type Named = MetadataColumns & { readonly name?: string };

const kept = new WeakMap<Ctx["hot"], Map<string, Kept>>();

/**
 * What upstream says of a release, asked for once by all who want it at the same time. Without an
 * answer it is what the page of its project tells.
 */
export async function upstreamRelease(ctx: Ctx, release: UpstreamRelease): Promise<Described> {
  const { remote, name, version, requires_python } = release;
  const releases = kept.get(ctx.hot) ?? new Map<string, Kept>();
  kept.set(ctx.hot, releases);
  const key = [remote.id, remote.changed, name, version].join("\n");
  const known = releases.get(key);
  const now = ctx.clock.now();
  const isFresh = known !== undefined && now - known.askedMs < pageFreshMs(ctx);
  const columns = isFresh ? known.columns : ask(ctx, release);
  releases.delete(key);
  releases.set(key, isFresh ? known : { askedMs: now, columns });
  const [oldest = ""] = releases.keys();
  if (releases.size > MOST_KEPT) releases.delete(oldest);
  try {
    return { name, version, requires_python, ...(await columns) };
  } catch (error) {
    releases.delete(key);
    throw error;
  }
}

async function ask(
  ctx: Ctx,
  { domain, remote: { id }, name, version }: UpstreamRelease,
): Promise<Named> {
  try {
    await using remote = await openRemote(ctx, domain, id);
    const from = { remote, root: indexRoot(remote.url), maxBytes: mostPageBytes(ctx) };
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const found = await new MetadataSource(ctx, from).release(name, version, signal);
    if (!found) return NO_METADATA;
    const { name: spelled } = found.info;
    return {
      ...infoColumns(found.info),
      ...(typeof spelled === "string" ? { name: spelled } : {}),
    };
  } catch (error) {
    const isTimeOut = error instanceof DOMException && error.name === "TimeoutError";
    if (!(error instanceof CodedError) && !isTimeOut) throw error;
    ctx.log.warn(`The metadata of ${name} ${version} cannot be had: ${error.message}`);
    return NO_METADATA;
  }
}
