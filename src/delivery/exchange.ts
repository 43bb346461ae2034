import { randomFillSync } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

/** One request and its response, with what every step asks of it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly isHead: boolean;
  /** Request target without the query. */
  readonly rawPath: string;
  /** Without its question mark; undefined if there is none. */
  readonly query: string | undefined;
  readonly correlationId: string;
}

export function openExchange(request: IncomingMessage, response: ServerResponse): Exchange {
  const url = request.url ?? "";
  const mark = url.indexOf("?");
  return {
    request,
    response,
    isHead: request.method === "HEAD",
    rawPath: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? undefined : url.slice(mark + 1),
    correlationId: correlationId(request.headers["correlation-id"]),
  };
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** The client's id if it is a UUID, as it was sent, else a new one (core-tasks-ops §19.3). */
const correlationId = (given: string | string[] | undefined): string =>
  typeof given === "string" && UUID.test(given) ? given : newId();

/** Randomness for many ids at a time: one system call each would cost as much as the rest. */
const IDS = 256;
const pool = Buffer.allocUnsafeSlow(16 * IDS);
let texts = "";
let used = texts.length;

/** A version 4 UUID without dashes. */
function newId(): string {
  if (used === texts.length) {
    randomFillSync(pool);
    for (let at = 0; at < pool.length; at += 16) {
      pool.writeUInt8(((pool[at + 6] ?? 0) & 0x0f) | 0x40, at + 6);
      pool.writeUInt8(((pool[at + 8] ?? 0) & 0x3f) | 0x80, at + 8);
    }
    texts = pool.toString("hex");
    used = 0;
  }
  used += 32;
  return texts.slice(used - 32, used);
}

/** Longest single header field; the parser limits the sum. */
const FIELD_BYTES = 16_384;
const MAX_FIELDS = 500;

/**
 * Checks what the parser lets pass.
 *
 * @returns the status of a refusal, or 0.
 */
export function headerProblem({ rawHeaders, httpVersion }: IncomingMessage): 0 | 400 | 431 {
  if (rawHeaders.length > 2 * MAX_FIELDS) return 431;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const value = rawHeaders[i + 1] ?? "";
    if (value.length + name.length > FIELD_BYTES) return 431;
    if (name.length !== 4 || name.toLowerCase() !== "host") continue;
    hosts += 1;
    if (hosts > 1 || !HOST.test(value)) return 400;
  }
  return hosts === 0 && httpVersion === "1.1" ? 400 : 0;
}

/** A name, an IPv4 or bracketed IPv6 address, and a port. */
const HOST = /^(?:[a-z0-9_.~%!$&'()*+,;=-]*|\[[0-9a-f:.]+(?:%[a-z0-9_.~-]+)?\])(?::\d{0,5})?$/i;
