import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, ListenOptions, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Ctx } from "#core/ctx.ts";
import { Redaction } from "#core/redaction.ts";
import type { ContentHandler, ContentRoute, GuardHandler, SentFile } from "./contract.ts";
import { Delivery } from "./delivery.ts";
import { errorAnswer } from "./errors.ts";
import { headerProblem, openExchange } from "./exchange.ts";
import { type OpenUpstream, openUpstream } from "./upstream.ts";

/** All request headers together; a client certificate in a header must fit. */
const MAX_HEADER_BYTES = 65_536;
const HEADERS_TIMEOUT_MS = 60_000;
/** Above the 60 to 75 s of the proxies in front, so that they close first. */
const KEEP_ALIVE_MS = 90_000;
const IDLE_MS = 300_000;
/** What a socket takes before it asks to wait: the largest body that is sent from memory at once. */
const SOCKET_BYTES = 262_144;

export interface ContentServerOptions {
  readonly handlers: readonly ContentHandler[];
  readonly guards?: readonly GuardHandler[];
  readonly routes?: readonly ContentRoute[];
  /** Sees each request before it is answered, e.g. for the access log. */
  readonly observe?: (request: IncomingMessage, response: ServerResponse) => void;
  /** Hears of each file that was sent, to count it. */
  readonly onSent?: (sent: SentFile) => void;
  /** Idle time after which a kept connection ends, milliseconds. */
  readonly keepAliveMs?: number;
  /** How remotes are reached; tests give their own. */
  readonly openUpstream?: OpenUpstream;
}

export interface ContentServer {
  /** One per address, in the order of listening. */
  readonly servers: readonly Server[];
  /**
   * Adds an address.
   *
   * @param bind port and host, a socket path, or a descriptor; port 0 takes a free one.
   */
  listen(bind: ListenOptions): Promise<AddressInfo | string>;
  /**
   * Stops taking requests, answers those under way, and lets downloads finish; what is not done
   * when the signal aborts is cut off.
   */
  close(signal?: AbortSignal): Promise<void>;
}

/** The content app: everything below `CONTENT_PATH_PREFIX`, and the plugins' own routes. */
export function createContentServer(outer: Ctx, options: ContentServerOptions): ContentServer {
  const redaction = new Redaction();
  const ctx = { ...outer, log: redaction.log(outer.log), http: redaction.http(outer.http) };
  const delivery = new Delivery(ctx, {
    handlers: options.handlers,
    guards: options.guards ?? [],
    openUpstream: options.openUpstream ?? openUpstream,
    onSent: options.onSent,
  });
  const state = { isClosing: false };
  const onRequest = listener({ ctx, delivery, options, state });
  const servers: Server[] = [];
  return {
    servers,
    async listen(bind) {
      const server = newServer(onRequest, options.keepAliveMs ?? KEEP_ALIVE_MS);
      server.listen(bind);
      await once(server, "listening");
      servers.push(server);
      if (servers.length === 1) delivery.start();
      return server.address() ?? "";
    },
    async close(signal = AbortSignal.timeout(30_000)) {
      state.isClosing = true;
      await Promise.all(servers.map((server) => closeServer(server, signal)));
      await delivery.close(signal);
    },
  };
}

/** What the types of the runtime do not know yet. */
interface NewServerOptions extends ServerOptions {
  /** Requests without a body are no streams that have to be read and closed. */
  readonly optimizeEmptyRequests: boolean;
}

function newServer(onRequest: RequestListener, keepAliveTimeout: number): Server {
  const options: NewServerOptions = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: 0,
    keepAliveTimeout,
    requireHostHeader: false,
    noDelay: true,
    optimizeEmptyRequests: true,
    highWaterMark: SOCKET_BYTES,
  };
  const server = createServer(options, onRequest);
  server.timeout = IDLE_MS;
  server.on("clientError", refuseMalformed);
  server.on("connect", (_request, stream) => refuseRaw(stream, 405));
  return server;
}

interface Parts {
  readonly ctx: Ctx;
  readonly delivery: Delivery;
  readonly options: ContentServerOptions;
  readonly state: { isClosing: boolean };
}

function listener({ ctx, delivery, options, state }: Parts): RequestListener {
  const routes = options.routes ?? [];
  return (request, response) => {
    if (state.isClosing) response.shouldKeepAlive = false;
    options.observe?.(request, response);
    const exchange = openExchange(request, response);
    const problem = headerProblem(request);
    if (problem !== 0) {
      response.shouldKeepAlive = false;
      delivery.refuse(exchange, errorAnswer(problem));
      return;
    }
    const route = routes.find(({ path }) => isBelow(exchange.rawPath, path));
    if (!route && hasBody(request)) response.shouldKeepAlive = false;
    try {
      const work = route ? route.handle(ctx, request, response) : delivery.serve(exchange);
      work?.catch((error) => delivery.fail(exchange, error));
    } catch (error) {
      delivery.fail(exchange, error);
    }
  };
}

/** Nothing of ours reads a body, so what follows it on the connection is not trusted. */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";

const isBelow = (path: string, route: string): boolean =>
  route.endsWith("/") ? path.startsWith(route) : path === route;

async function closeServer(server: Server, signal: AbortSignal): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const cutOff = () => server.closeAllConnections();
  if (signal.aborted) cutOff();
  signal.addEventListener("abort", cutOff, { once: true });
  await closed;
  signal.removeEventListener("abort", cutOff);
}

const PARSER_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** What is no HTTP request gets one line in our form, unless an answer is on its way just now. */
function refuseMalformed(error: NodeJS.ErrnoException, stream: Duplex): void {
  const socket = stream as Socket & { readonly _httpMessage?: { readonly headersSent: boolean } };
  const isAnswering = socket._httpMessage?.headersSent === true;
  if (!socket.writable || isAnswering || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  refuseRaw(socket, PARSER_STATUS[error.code ?? ""] ?? 400);
}

function refuseRaw(socket: Duplex, code: number): void {
  const { status, reason } = errorAnswer(code);
  const body = `${status}: ${reason}`;
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
