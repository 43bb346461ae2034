import { createHash } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import type { TestContext } from "node:test";
import type { TLSSocket } from "node:tls";
import type { Identity } from "./certificates.ts";

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Subject of the client certificate, if one was shown. */
  readonly clientName?: string;
}

/** Answers one request; a fault of an upstream is such a function. */
export type Answer = (request: UpstreamRequest, response: ServerResponse) => void;

/** A stand-in for an upstream server on the loopback interface. */
export interface Upstream {
  /** `http://127.0.0.1:port`, no slash at the end. */
  readonly url: string;
  /** Everything that was asked, in order. */
  readonly requests: UpstreamRequest[];
  /** Requests that are being answered, and the most at one time. */
  readonly load: { now: number; most: number };
  /** Sets what a path answers. */
  on(path: string, answer: Answer): void;
  /** Answers paths that have no answer of their own; 404 without it. */
  otherwise(answer: Answer): void;
  asked(path: string): UpstreamRequest[];
}

export interface UpstreamOptions {
  readonly identity?: Identity;
  /** Asks clients for a certificate. */
  readonly clientAuthority?: Identity;
  /** Address to listen on. */
  readonly host?: string;
}

export async function createUpstream(
  t: TestContext,
  options: UpstreamOptions = {},
): Promise<Upstream> {
  const answers = new Map<string, Answer>();
  let fallback: Answer = answer.status(404);
  const requests: UpstreamRequest[] = [];
  const load = { now: 0, most: 0 };
  const listener = (incoming: import("node:http").IncomingMessage, response: ServerResponse) => {
    const subject = (incoming.socket as TLSSocket).getPeerCertificate?.()?.subject;
    const request: UpstreamRequest = {
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      headers: incoming.headers,
      ...(subject?.CN === undefined ? {} : { clientName: String(subject.CN) }),
    };
    requests.push(request);
    load.now += 1;
    load.most = Math.max(load.most, load.now);
    response.on("close", () => {
      load.now -= 1;
    });
    (answers.get(request.path) ?? fallback)(request, response);
  };
  const { identity, clientAuthority } = options;
  const server = identity
    ? createTlsServer(
        {
          cert: identity.cert,
          key: identity.key,
          ...(clientAuthority
            ? { requestCert: true, rejectUnauthorized: false, ca: clientAuthority.cert }
            : {}),
        },
        listener,
      )
    : createServer(listener);
  const host = options.host ?? "127.0.0.1";
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.after(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const { port } = server.address() as AddressInfo;
  return {
    url: `${identity ? "https" : "http"}://${host}:${port}`,
    requests,
    load,
    on: (path, each) => void answers.set(path, each),
    otherwise: (each) => {
      fallback = each;
    },
    asked: (path) => requests.filter((request) => request.path === path),
  };
}

const etagOf = (body: Buffer): string =>
  `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;

/** What upstreams do, right and wrong. */
export const answer = {
  /** A well-behaved file: ETag, conditional requests, ranges. */
  file:
    (content: string | Buffer, headers: Readonly<Record<string, string>> = {}): Answer =>
    (request, response) => {
      const body = Buffer.from(content);
      const etag = etagOf(body);
      if (request.headers["if-none-match"] === etag) {
        response.writeHead(304, { etag }).end();
        return;
      }
      const start = rangeStart(request, etag);
      const part = body.subarray(start);
      response.writeHead(start > 0 ? 206 : 200, {
        etag,
        "accept-ranges": "bytes",
        "content-length": part.length,
        ...(start > 0
          ? { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` }
          : {}),
        ...headers,
      });
      response.end(request.method === "HEAD" ? undefined : part);
    },

  status:
    (status: number, headers: Readonly<Record<string, string>> = {}): Answer =>
    (_request, response) => {
      response.writeHead(status, headers).end();
    },

  redirect:
    (location: string, status = 302): Answer =>
    (_request, response) => {
      response.writeHead(status, { location }).end();
    },

  /** Says the whole length, sends `bytes`, and hangs up (F21). */
  truncated:
    (content: string | Buffer, bytes: number): Answer =>
    (request, response) => {
      const body = Buffer.from(content);
      const etag = etagOf(body);
      const start = rangeStart(request, etag);
      response.writeHead(start > 0 ? 206 : 200, {
        etag,
        "accept-ranges": "bytes",
        "content-length": body.length - start,
        ...(start > 0
          ? { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` }
          : {}),
      });
      response.write(body.subarray(start, start + bytes), () => response.destroy());
    },

  /** The right length with one bit turned (F22). */
  corrupted: (content: string | Buffer): Answer => {
    const body = Buffer.from(content);
    body.writeUInt8(body.readUInt8(0) ^ 1, 0);
    return answer.file(body);
  },

  /** Sends the head, then nothing (F23). */
  hanging: (): Answer => (_request, response) => {
    response.writeHead(200, { "content-length": "10" });
    response.flushHeaders();
  },

  /** Takes the request and never answers. */
  silent: (): Answer => () => undefined,

  /** One byte each `everyMs`, without end (F24). */
  dripping:
    (everyMs: number, chunk = "x"): Answer =>
    (_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(chunk), everyMs);
      response.on("close", () => clearInterval(timer));
    },

  /** Sends bytes as fast as they are read, without end. */
  endless: (): Answer => (_request, response) => {
    const chunk = Buffer.alloc(65_536, "e");
    response.writeHead(200);
    const send = () => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on("drain", send);
    send();
  },

  /** One answer after the other; the last one stays (F25). */
  inTurn: (...answers: readonly Answer[]): Answer => {
    let turn = 0;
    return (request, response) => {
      const now = answers[Math.min(turn, answers.length - 1)];
      turn += 1;
      now?.(request, response);
    };
  },
} as const;

function rangeStart(request: UpstreamRequest, etag: string): number {
  const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
  const same = request.headers["if-range"] === undefined || request.headers["if-range"] === etag;
  return start !== undefined && same ? Number(start) : 0;
}

/** An HTTP proxy that forwards and tunnels, asking for `user:password` if given. */
export async function createProxy(t: TestContext, credentials?: string): Promise<Upstream> {
  const wanted = credentials && `Basic ${Buffer.from(credentials).toString("base64")}`;
  const requests: UpstreamRequest[] = [];
  const refused = (headers: IncomingHttpHeaders) =>
    wanted !== undefined && headers["proxy-authorization"] !== wanted;
  const server = createServer((incoming, response) => {
    requests.push({
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      headers: incoming.headers,
    });
    if (refused(incoming.headers)) {
      response.writeHead(407).end();
      return;
    }
    fetch(incoming.url ?? "").then(async (reply) => {
      response.writeHead(reply.status).end(Buffer.from(await reply.arrayBuffer()));
    });
  });
  server.on("connect", (incoming, socket: Duplex) => {
    requests.push({ method: "CONNECT", path: incoming.url ?? "", headers: incoming.headers });
    socket.on("error", () => socket.destroy());
    if (refused(incoming.headers)) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const [host, port] = (incoming.url ?? "").split(":");
    const upstream = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    load: { now: 0, most: 0 },
    on: () => undefined,
    otherwise: () => undefined,
    asked: (path) => requests.filter((request) => request.path === path),
  };
}
