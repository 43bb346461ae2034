import type { Readable } from "node:stream";
import { createLocalJWKSet, type JSONWebKeySet } from "jose";
import type { Ctx } from "../ctx.ts";
import { tokenErrors } from "./errors.ts";

/** Keys older than this are fetched again before they are used. */
const FRESH_MS = 10 * 60_000;
/** And used for so long if the issuer cannot be reached; afterwards it may have withdrawn them. */
const STALE_MS = 60 * 60_000;
/** An issuer is asked at most once in this time, whatever key ids are shown to us. */
const PAUSE_MS = 10_000;
const MAX_BYTES = 256 * 1024;

export type IssuerKeys = ReturnType<typeof createLocalJWKSet>;

interface Known {
  keys?: IssuerKeys;
  fetchedAt: number;
  triedAt: number;
  fetching?: Promise<void>;
}

/** Signing keys of trusted issuers (OpenID Connect Discovery 1.0, RFC 7517), one memory per process. */
const memories = new WeakMap<Ctx["hot"], Map<string, Known>>();

/**
 * The keys of an issuer.
 *
 * @param isNewer that what was there does not suffice: a key id is unknown. Asks the issuer, unless
 *   that was done a moment ago.
 * @throws `tokenErrors.issuerDown` if there are none and none can be had.
 */
export async function issuerKeys(ctx: Ctx, issuer: string, isNewer: boolean): Promise<IssuerKeys> {
  const known = knownOf(ctx, issuer);
  const now = ctx.clock.now();
  const isDue = isNewer || !known.keys || now - known.fetchedAt > FRESH_MS;
  if (isDue && (known.fetching || now - known.triedAt > PAUSE_MS)) {
    known.fetching ??= refresh(ctx, issuer, known).finally(() => {
      delete known.fetching;
    });
    await known.fetching;
  }
  if (!known.keys || now - known.fetchedAt > STALE_MS) throw tokenErrors.issuerDown(issuer);
  return known.keys;
}

function knownOf({ hot }: Ctx, issuer: string): Known {
  const memory = memories.get(hot) ?? new Map<string, Known>();
  memories.set(hot, memory);
  const never = Number.NEGATIVE_INFINITY;
  const known = memory.get(issuer) ?? { fetchedAt: never, triedAt: never };
  memory.set(issuer, known);
  return known;
}

async function refresh(ctx: Ctx, issuer: string, known: Known): Promise<void> {
  known.triedAt = ctx.clock.now();
  try {
    known.keys = createLocalJWKSet(await fetchKeys(ctx, issuer));
    known.fetchedAt = ctx.clock.now();
  } catch (error) {
    ctx.log.warn(`The keys of the issuer ${issuer} cannot be fetched: ${(error as Error).message}`);
  }
}

async function fetchKeys(ctx: Ctx, issuer: string): Promise<JSONWebKeySet> {
  const found = await fetchJson(
    ctx,
    `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`,
    issuer,
  );
  if (found.issuer !== issuer) throw new Error("its configuration names another issuer");
  const keys = await fetchJson(ctx, String(found.jwks_uri), issuer);
  return keys as unknown as JSONWebKeySet;
}

/** Bounded in time and size, and by the address policy of downloads; never from https to http. */
async function fetchJson(
  { http }: Ctx,
  url: string,
  issuer: string,
): Promise<Readonly<Record<string, unknown>>> {
  const scheme = issuer.startsWith("https:") ? "https:" : "http:";
  if (!URL.canParse(url)) throw new Error(`'${url.slice(0, 200)}' is no address`);
  await using client = http.client({
    origin: new URL(url).origin,
    tlsValidation: true,
    headers: [["accept", "application/json"]],
    totalTimeoutMs: 5_000,
    connectTimeoutMs: 3_000,
    concurrency: 1,
  });
  if (!url.startsWith(scheme)) throw new Error(`${url.slice(0, 200)} is no ${scheme} address`);
  const answer = await client.get(url);
  const text = await wholeText(answer.body);
  if (!answer.url.startsWith(scheme)) throw new Error(`${url} leads away from ${scheme}`);
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) throw new Error(`${url} is no JSON object`);
  return value as Readonly<Record<string, unknown>>;
}

async function wholeText(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += (chunk as Buffer).length;
    if (size > MAX_BYTES) throw new Error(`the answer is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
