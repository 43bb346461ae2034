import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Ctx } from "#core/ctx.ts";

/** What a server may be given. */
export interface HttpOptions {
  /** Sees requests before the router does. */
  readonly before?: (next: RequestListener) => RequestListener;
  readonly http?: { readonly maxHeaderSize?: number; readonly keepAliveTimeoutMs?: number };
}

/** The server below the framework. */
export function newServer(
  { http, before }: HttpOptions,
  handler: (...parameters: Parameters<RequestListener>) => void,
): Server {
  const limits = { maxHeaderSize: http?.maxHeaderSize ?? 65_536, headersTimeout: 60_000 };
  return createServer(
    { ...limits, keepAliveTimeout: http?.keepAliveTimeoutMs ?? 80_000, requestTimeout: 0 },
    before ? before(handler) : handler,
  );
}

/** Of every answer. */
export const STANDARD_HEADERS = {
  "access-control-expose-headers": "Correlation-ID",
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  vary: "Accept",
} as const;

const ROOT = Symbol("root");
type WithRoot = { [ROOT]?: string };
/** The API root of a request whose path was rewritten. */
export const rootOf = (request: object): string | undefined => (request as WithRoot)[ROOT];

/**
 * With `API_ROOT_REWRITE_HEADER` the API answers below the prefix that the header names.
 *
 * @param others prefixes of what does not lie below the API root.
 */
export function rewrite(ctx: Ctx, others: readonly string[], request: IncomingMessage): string {
  const url = request.url ?? "/";
  const header = ctx.settings.API_ROOT_REWRITE_HEADER;
  const value = header ? request.headers[header.toLowerCase()] : undefined;
  if (typeof value !== "string") return url;
  const root = `/${value.replace(/^\/+|\/+$/g, "")}/`;
  if (others.some((prefix) => url.startsWith(prefix))) return url;
  if (!/^[\w./-]+$/.test(root) || !url.startsWith(root)) return "/no/such/root";
  (request as WithRoot)[ROOT] = root;
  return ctx.settings.API_ROOT + url.slice(root.length);
}

/** What is no HTTP gets a plain answer and the end of the connection. */
export function clientErrorHandler(error: { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const isLarge = error.code === "HPE_HEADER_OVERFLOW";
  const status = isLarge ? "431 Request Header Fields Too Large" : "400 Bad Request";
  const body = JSON.stringify({
    detail: isLarge ? "The request's headers are too large." : "Bad request.",
  });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
