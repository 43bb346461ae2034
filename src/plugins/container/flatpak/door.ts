import { hash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { mounted } from "../registry/address.ts";
import {
  STANDARD_HEADERS,
  sendBytes,
  sendEmpty,
  sendJson,
  sendProblem,
} from "../registry/answers.ts";
import { registryErrors } from "../registry/errors.ts";
import { registrySettingsOf } from "../registry/settings.ts";
import type { Door, DoorTools, Exchange } from "../registry/visit.ts";
import { indexState, repositoriesWith } from "./images.ts";
import { FlatpakProblem, type FlatpakQuery, flatpakQuery } from "./query.ts";
import { hasFlatpakIndex } from "./settings.ts";

/** Larger answers are sent as they are made, and made again for the next client. */
const KEPT_BYTES = 1_048_576;
const MOST_KEPT = 16;

/** Finished answers by what they are of. */
type Kept = Map<string, Buffer>;

/** The index by which `flatpak` finds applications in public repositories (plugin-container §8). */
export const flatpakDoor: Door = {
  open(tools) {
    const kept: Kept = new Map();
    const prefixes = registrySettingsOf(tools.ctx).REGISTRY_MOUNT_PREFIXES;
    const paths = ["index/static", "index/dynamic"].flatMap((path) => mounted(prefixes, path));
    return {
      paths: hasFlatpakIndex(tools.ctx) ? paths : [],
      handle: (exchange) => answered(tools, exchange, kept),
      fail: (exchange, status) => sendProblem({ exchange }, registryErrors.failed(status)),
      close: async () => undefined,
    };
  },
};

async function answered(tools: DoorTools, exchange: Exchange, kept: Kept): Promise<void> {
  const { method } = exchange.request;
  if (method !== "GET" && method !== "HEAD") {
    sendProblem({ exchange }, registryErrors.method(["GET", "HEAD"]));
    return;
  }
  try {
    const query = flatpakQuery(new URLSearchParams(exchange.query));
    await answer(tools, exchange, { query, kept });
  } catch (error) {
    if (!(error instanceof FlatpakProblem)) throw error;
    sendJson({ exchange }, { detail: error.message }, {}, 400);
  }
}

async function answer(
  { ctx, originOf }: DoorTools,
  exchange: Exchange,
  { query, kept }: { readonly query: FlatpakQuery; readonly kept: Kept },
): Promise<void> {
  const { protocol, host } = originOf(exchange.request);
  // Where the index is, the registry is, too; the content app has another address.
  const origin = `${protocol}://${host}`;
  const state = await indexState(ctx);
  const etag = `"${hash("sha256", JSON.stringify([state, origin, query]))}"`;
  const headers = { "Content-Type": "application/json", ETag: etag, "Cache-Control": "no-cache" };
  if (exchange.request.headers["if-none-match"]?.includes(etag)) {
    sendEmpty({ exchange }, 304, headers);
    return;
  }
  const known = kept.get(etag);
  if (known) {
    sendBytes({ exchange }, known, { headers });
    return;
  }
  const pieces = indexText(repositoriesWith(ctx, query), origin);
  const { whole, isAll } = await firstPieces(pieces);
  if (!isAll) return pour(exchange, headers, { whole, pieces });
  const body = Buffer.concat(whole);
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(etag, body);
  sendBytes({ exchange }, body, { headers });
}

/** As many as may be kept; the generator goes on from there. */
async function firstPieces(pieces: AsyncGenerator<Buffer>) {
  const whole: Buffer[] = [];
  for (let size = 0; size <= KEPT_BYTES; ) {
    const { value, done } = await pieces.next();
    if (done === true) return { whole, isAll: true };
    whole.push(value);
    size += value.length;
  }
  return { whole, isAll: false };
}

async function* indexText(
  batches: AsyncIterable<readonly string[]>,
  origin: string,
): AsyncGenerator<Buffer> {
  yield Buffer.from(`{"Registry":${JSON.stringify(origin)},"Results":[`);
  let comma = "";
  for await (const texts of batches) {
    if (texts.length === 0) continue;
    yield Buffer.from(comma + texts.join(","));
    comma = ",";
  }
  yield Buffer.from("]}");
}

async function pour(
  { response, isHead, correlationId }: Exchange,
  headers: Readonly<Record<string, string>>,
  { whole, pieces }: { readonly whole: readonly Buffer[]; readonly pieces: AsyncIterable<Buffer> },
): Promise<void> {
  response.writeHead(200, { ...STANDARD_HEADERS, ...headers, "Correlation-ID": correlationId });
  if (isHead) {
    response.end();
    return;
  }
  const rest = async function* () {
    yield* whole;
    yield* pieces;
  };
  await pipeline(Readable.from(rest()), response);
}
