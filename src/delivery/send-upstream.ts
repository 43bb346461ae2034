import { once } from "node:events";
import { evaluate, rangeApplies, type Validators } from "#base/conditional.ts";
import { CodedError } from "#base/errors.ts";
import type { Ctx } from "#core/ctx.ts";
import { remoteErrors } from "#core/remotes/errors.ts";
import { isRefusedByScan } from "#core/scanning/types.ts";
import { errorReply, fileHeaders, overlaid } from "./answer.ts";
import type { FromUpstream, HeaderList } from "./contract.ts";
import { type Download, UpstreamStatusError } from "./download.ts";
import { deliveryErrors, type ErrorAnswer, errorAnswer } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { OpenFiles } from "./open-files.ts";
import { type ClientWatch, watchClient, written } from "./pour.ts";
import { type ByteRange, parseRange } from "./range.ts";
import { commonHeaders, countServed, reset, send, sendUnsatisfiable } from "./send.ts";
import { endToEndHeaders } from "./upstream-headers.ts";

export interface UpstreamTools {
  readonly ctx: Ctx;
  readonly files: OpenFiles;
}

export interface UpstreamPlan {
  readonly upstream: FromUpstream;
  /** Domain by name. */
  readonly domain: string;
  /** Begins the download or joins the one under way. */
  readonly download: () => Download;
}

/** Read from the download at a time. */
const STEP = 262_144;

/**
 * Sends a file while it comes from upstream (core-content §5.7). A client that leaves ends only its
 * own copy.
 *
 * @returns bytes of the file that were sent.
 */
export async function sendUpstream(
  tools: UpstreamTools,
  exchange: Exchange,
  plan: UpstreamPlan,
): Promise<number> {
  const { upstream } = plan;
  const [first] = upstream.sources;
  if (!first) return refuse(tools, exchange, errorAnswer(404));
  const known = {
    sizeBytes: first.sizeBytes ?? undefined,
    sha256: first.digests.sha256,
  };
  const { headers, validators } = fileHeaders(upstream, known);
  const outcome = evaluate(exchange.request.headers, validators);
  if (outcome === 412) return refuse(tools, exchange, errorAnswer(412));
  if (outcome === 304) {
    exchange.response.writeHead(304, [...flat(headers), ...commonHeaders(exchange)]);
    exchange.response.end();
    return 0;
  }
  const ours = { headers, validators, sizeBytes: known.sizeBytes };
  if (exchange.isHead) return sendHead(tools, exchange, { ...plan, ...ours });
  return sendStream(tools, exchange, { ...plan, ...ours });
}

interface StreamPlan extends UpstreamPlan {
  readonly headers: HeaderList;
  readonly validators: Validators;
  /** As the remote declared it. */
  readonly sizeBytes: number | undefined;
}

const flat = (headers: HeaderList): string[] => Object.entries(headers).flat();

/** From what is known, while the file is fetched in the background if it is going to be kept. */
async function sendHead(
  tools: UpstreamTools,
  exchange: Exchange,
  plan: StreamPlan,
): Promise<number> {
  const isKept = plan.upstream.sources[0]?.isSaved ?? false;
  if (plan.sizeBytes !== undefined) {
    if (isKept) plan.download();
    const length = ["Content-Length", String(plan.sizeBytes)];
    const headers = [...flat(plan.headers), ...commonHeaders(exchange), ...length];
    exchange.response.writeHead(200, headers);
    exchange.response.end();
    return 0;
  }
  const download = plan.download();
  using _seat = download.join();
  using client = watchClient(exchange.request.socket);
  try {
    const head = await download.answered(client.signal);
    const headers = streamHeaders(plan, head);
    const length = head.sizeBytes === undefined ? [] : ["Content-Length", String(head.sizeBytes)];
    exchange.response.writeHead(200, [...flat(headers), ...commonHeaders(exchange), ...length]);
    exchange.response.end();
  } catch (error) {
    if (!client.isGone) await refuse(tools, exchange, refusalOf(error, plan.upstream));
  }
  return 0;
}

async function sendStream(
  tools: UpstreamTools,
  exchange: Exchange,
  plan: StreamPlan,
): Promise<number> {
  const early = wantedRange(exchange, plan, plan.sizeBytes);
  if (early === "unsatisfiable") return unsatisfiable(exchange, plan.sizeBytes);
  const download = plan.download();
  using _seat = download.join();
  using client = watchClient(exchange.request.socket);
  try {
    const head = await download.begun(client.signal);
    const range = wantedRange(exchange, plan, head.sizeBytes);
    if (range === "unsatisfiable") return unsatisfiable(exchange, head.sizeBytes);
    writeHead(exchange, { headers: streamHeaders(plan, head), range, size: head.sizeBytes });
    const bytes = await follow(exchange, { download, range, client });
    countServed(tools.ctx, plan.domain, bytes);
    return bytes;
  } catch (error) {
    await breakOff(tools, exchange, { plan, client, error });
    return 0;
  }
}

function unsatisfiable(exchange: Exchange, sizeBytes: number | undefined): number {
  sendUnsatisfiable(exchange, sizeBytes);
  return 0;
}

function wantedRange(
  { request }: Exchange,
  { validators }: StreamPlan,
  sizeBytes: number | undefined,
): ByteRange | "unsatisfiable" | undefined {
  const { range } = request.headers;
  if (range === undefined || sizeBytes === undefined) return undefined;
  if (!rangeApplies(request.headers, validators)) return undefined;
  return parseRange(range, sizeBytes) ?? "unsatisfiable";
}

/** The upstream's headers over ours. */
function streamHeaders(
  { headers }: StreamPlan,
  head: { readonly headers: HeaderList; readonly sizeBytes: number | undefined },
): HeaderList {
  const size =
    head.sizeBytes === undefined ? {} : { "X-PULP-ARTIFACT-SIZE": String(head.sizeBytes) };
  return overlaid({ ...headers, ...size }, endToEndHeaders(head.headers));
}

/** The whole file goes out in chunks without a length, so that its end can be withheld. */
function writeHead(
  exchange: Exchange,
  plan: {
    readonly headers: HeaderList;
    readonly range: ByteRange | undefined;
    readonly size: number | undefined;
  },
): void {
  const headers = [...flat(plan.headers), ...commonHeaders(exchange)];
  if (plan.range) {
    const { start, end } = plan.range;
    headers.push("Content-Range", `bytes ${start}-${end}/${plan.size}`);
    headers.push("Content-Length", String(end - start + 1));
  }
  exchange.response.writeHead(plan.range ? 206 : 200, headers);
}

/** @returns bytes sent. */
async function follow(
  { response }: Exchange,
  from: {
    readonly download: Download;
    readonly range: ByteRange | undefined;
    readonly client: ClientWatch;
  },
): Promise<number> {
  const { download, client } = from;
  const { start: first, end } = from.range ?? { start: 0, end: Number.MAX_SAFE_INTEGER - 1 };
  let position = first;
  while (position <= end && !client.isGone) {
    const length = Math.min(STEP, end + 1 - position);
    const piece = await download.read(position, length, client.signal);
    if (piece.length === 0) break;
    await written(response, piece, client);
    position += piece.length;
  }
  if (!client.isGone) response.end();
  return position - first;
}

/** Before the head an error is told; after it, or when the bytes were wrong, the transfer breaks. */
async function breakOff(
  tools: UpstreamTools,
  exchange: Exchange,
  { plan, client, error }: { plan: StreamPlan; client: ClientWatch; error: unknown },
): Promise<void> {
  if (client.isGone) return;
  const { response } = exchange;
  const isWrong = remoteErrors.digest.is(error) || remoteErrors.size.is(error);
  if (!response.headersSent && !isWrong) {
    await refuse(tools, exchange, refusalOf(error, plan.upstream));
    return;
  }
  tools.ctx.log.of(exchange.correlationId).error(`A transfer from upstream broke off: ${error}`);
  if (!response.headersSent) {
    writeHead(exchange, { headers: plan.headers, range: undefined, size: undefined });
    response.flushHeaders();
    if (response.writableNeedDrain) await once(response, "drain");
  }
  reset(response);
}

/** What the client hears when no source gave a byte. */
function refusalOf(error: unknown, { pull }: FromUpstream): ErrorAnswer {
  if (error instanceof CodedError && error.code.startsWith("storage-"))
    return errorAnswer(error.status === 507 ? 507 : 503);
  if (isRefusedByScan(error)) return errorAnswer(error.status);
  if (!pull) return errorAnswer(404);
  if (!(error instanceof UpstreamStatusError)) return errorAnswer(502);
  const { message } = deliveryErrors.upstream(error.url, error.message);
  return errorAnswer(error.status < 400 ? 502 : error.status, message);
}

async function refuse(
  tools: UpstreamTools,
  exchange: Exchange,
  answer: ErrorAnswer,
): Promise<number> {
  await send(tools, exchange, { answer: errorReply(answer) });
  return 0;
}
