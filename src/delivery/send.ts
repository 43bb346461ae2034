import type { ServerResponse } from "node:http";
import { evaluate, rangeApplies } from "#base/conditional.ts";
import type { Ctx } from "#core/ctx.ts";
import { isMeasured } from "#core/measures/queries.ts";
import { isBlocked } from "#core/scanning/blocked.ts";
import { type Answer, type Body, errorReply } from "./answer.ts";
import type { SpooledBody } from "./contract.ts";
import { errorAnswer } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { OpenFiles, OpenLease } from "./open-files.ts";
import { type PourPlan, pour, watchClient } from "./pour.ts";
import { type ByteRange, parseRange } from "./range.ts";

export interface SendOptions {
  /** `X-PULP-CACHE`, when caching is announced and the answer can be cached. */
  readonly mark?: "HIT" | "MISS" | undefined;
  /** Answers a range that there is not, in place of a plain 416; `Content-Range` is for it to send. */
  readonly unsatisfiable?: ((contentRange: string) => void) | undefined;
  /** Answers for a file that nobody may have, in place of a plain 403. */
  readonly blocked?: (() => void) | undefined;
}

/** What the content app says of files with malware. */
const BLOCKED = "Malware was found in the file.";

interface SendTools {
  readonly ctx: Ctx;
  readonly files: OpenFiles;
}

/**
 * Sends an answer: whether anybody may have it, conditions and ranges first, then the bytes. Whatever
 * fails once the head is out ends in a broken transfer, never in a clean wrong one.
 */
export function send(
  tools: SendTools,
  exchange: Exchange,
  options: SendOptions & { readonly answer: Answer },
): undefined | Promise<void> {
  const { answer } = options;
  const blocked = answer.file !== undefined && isBlocked(tools.ctx, answer.file);
  if (blocked === false) return sendPermitted(tools, exchange, options);
  if (blocked === true) return refuse(tools, exchange, options);
  return blocked.then((is) => (is ? refuse : sendPermitted)(tools, exchange, options));
}

function refuse(
  tools: SendTools,
  exchange: Exchange,
  { blocked }: SendOptions,
): undefined | Promise<void> {
  if (!blocked) return send(tools, exchange, { answer: errorReply(errorAnswer(403, BLOCKED)) });
  blocked();
  return undefined;
}

function sendPermitted(
  tools: SendTools,
  exchange: Exchange,
  { answer, mark, unsatisfiable }: SendOptions & { readonly answer: Answer },
): undefined | Promise<void> {
  const { request } = exchange;
  if (answer.status === 200 || answer.status === 302) {
    const outcome = evaluate(request.headers, answer.validators);
    if (outcome === 304) return sendEmpty(exchange, answer, mark);
    if (outcome === 412) return send(tools, exchange, { answer: errorReply(errorAnswer(412)) });
  }
  const { range: header } = request.headers;
  if (
    header === undefined ||
    !answer.hasRanges ||
    !rangeApplies(request.headers, answer.validators)
  )
    return sendBody(tools, exchange, { answer, mark, range: undefined });
  const range = parseRange(header, answer.sizeBytes);
  if (range) return sendBody(tools, exchange, { answer, mark, range });
  if (unsatisfiable) unsatisfiable(`bytes */${answer.sizeBytes}`);
  else sendUnsatisfiable(exchange, answer.sizeBytes);
  return undefined;
}

/** Headers that every answer of ours carries. */
export function commonHeaders({ correlationId }: Exchange, mark?: string): string[] {
  const headers = [
    "Correlation-ID",
    correlationId,
    "Access-Control-Expose-Headers",
    "Correlation-ID",
  ];
  if (mark !== undefined) headers.push("X-PULP-CACHE", mark);
  return headers;
}

/** 416 with the size, or `*` where nobody knows it. */
export function sendUnsatisfiable(exchange: Exchange, sizeBytes: number | undefined): void {
  const { status, headers, body } = errorReply(errorAnswer(416));
  const bytes = body.kind === "bytes" ? body.bytes : Buffer.alloc(0);
  exchange.response.writeHead(status, [
    ...headers,
    ...commonHeaders(exchange),
    "Content-Range",
    `bytes */${sizeBytes ?? "*"}`,
    "Content-Length",
    String(bytes.length),
  ]);
  exchange.response.end(exchange.isHead ? undefined : bytes);
}

function sendEmpty(exchange: Exchange, answer: Answer, mark: string | undefined): undefined {
  exchange.response.writeHead(304, [...answer.headers, ...commonHeaders(exchange, mark)]);
  exchange.response.end();
}

interface BodyPlan extends SendOptions {
  readonly answer: Answer;
  readonly range: ByteRange | undefined;
}

function sendBody(tools: SendTools, exchange: Exchange, plan: BodyPlan): undefined | Promise<void> {
  const { answer, range } = plan;
  const { body, oneWrite } = answer;
  if (answer.domain !== undefined && !exchange.isHead) {
    const bytes = range ? range.end - range.start + 1 : answer.sizeBytes;
    countServed(tools.ctx, answer.domain, bytes);
  }
  if (oneWrite && !range && oneWrite.send(exchange, plan.mark)) return undefined;
  if (exchange.isHead) {
    writeHead(exchange, plan);
    exchange.response.end();
    return body.kind === "spooled" ? dispose(body.spool) : undefined;
  }
  if (body.kind !== "bytes") return sendRead(tools, exchange, { ...plan, body });
  writeHead(exchange, plan);
  exchange.response.end(range ? body.bytes.subarray(range.start, range.end + 1) : body.bytes);
  return undefined;
}

const dispose = async (spool: SpooledBody): Promise<void> => spool[Symbol.asyncDispose]();

function writeHead(exchange: Exchange, { answer, range, mark }: BodyPlan): void {
  const { response } = exchange;
  const headers = [...answer.headers, ...commonHeaders(exchange, mark)];
  if (range) {
    headers.push("Content-Range", `bytes ${range.start}-${range.end}/${answer.sizeBytes}`);
    headers.push("Content-Length", String(range.end - range.start + 1));
    response.writeHead(206, headers);
    return;
  }
  headers.push("Content-Length", String(answer.sizeBytes));
  if (answer.reason === undefined) response.writeHead(answer.status, headers);
  else response.writeHead(answer.status, answer.reason, headers);
  answer.oneWrite?.learn(exchange, mark);
}

type ReadBody = Exclude<Body, { readonly kind: "bytes" }>;

/** Bytes from an open file; the first are read before the head is out. */
async function sendRead(
  { ctx, files }: SendTools,
  exchange: Exchange,
  plan: BodyPlan & { readonly body: ReadBody },
): Promise<void> {
  const { body, answer } = plan;
  await using source = await openBody(files, body);
  const range = plan.range ?? { start: 0, end: answer.sizeBytes - 1 };
  using client = watchClient(exchange.request.socket);
  try {
    const begin = () => writeHead(exchange, plan);
    await pour(exchange.response, client, { read: source.read, begin, ...range });
  } catch (error) {
    if (body.kind === "file") files.drop(body.key);
    if (!exchange.response.headersSent) throw error;
    if (!client.isGone) ctx.log.error(`A transfer broke off: ${error}`);
    reset(exchange.response);
  }
}

async function openBody(files: OpenFiles, body: ReadBody) {
  if (body.kind === "spooled") {
    const { spool } = body;
    const read = (start: number, length: number) => spool.read(start, length);
    return { read, [Symbol.asyncDispose]: () => spool[Symbol.asyncDispose]() };
  }
  const lease = await files.lease(body.key, body.open);
  return { read: readerOf(lease), [Symbol.asyncDispose]: async () => lease[Symbol.dispose]() };
}

/** Adds to the bytes that a domain was served; without domains nobody asks (core-content §5.16). */
export function countServed(
  { settings, metrics, process }: Ctx,
  domain: string,
  bytes: number,
): void {
  if (!settings.DOMAIN_ENABLED || !isMeasured(settings)) return;
  const labels = { domain_name: domain, worker_process: process.name };
  metrics.count("pulp_artifacts_size_counter_Bytes_total", labels, bytes);
}

/** What is read on the spot stays in the processor's cache until it is sent. */
const WARM_STEP = 262_144;

/** Reads a file through a thread, or on the spot while it is warm. */
function readerOf({ object, warmth }: OpenLease): PourPlan["read"] {
  return async (start, length, into) => {
    const began = performance.now();
    const isOnTheSpot = into !== undefined && warmth.isWarm(began);
    const piece =
      isOnTheSpot && object.readNow
        ? object.readNow(start, Math.min(length, WARM_STEP), into)
        : await object.read(start, length, into);
    warmth.note(piece.length, began, performance.now());
    return piece;
  };
}

/** Ends the connection so that no client can take what it has for the whole. */
export function reset(response: ServerResponse): void {
  const { socket } = response;
  if (socket) socket.resetAndDestroy();
  else response.destroy();
}
