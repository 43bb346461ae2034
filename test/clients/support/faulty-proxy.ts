import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** What comes back from the store, before the client gets it. */
export interface Passing {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface Fault {
  /** Which requests it hits: method and address. */
  readonly on: (request: IncomingMessage) => boolean;
  /** How often. */
  readonly times: number;
  /** Answers in place of the store. */
  readonly instead?: (request: IncomingMessage, response: ServerResponse) => void;
  /** Changes what the store answers; undefined breaks the connection off. */
  readonly after?: (passing: Passing) => Passing | undefined;
}

/** A network between a store and its clients, which does to them what it is told. */
export interface FaultyProxy extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Requests that a fault hit. */
  readonly hits: string[];
  break(fault: Fault): void;
  heal(): void;
}

/** @param target `http://127.0.0.1:port` of the store. Hosts stay, since they are signed. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  let faults: (Fault & { left: number })[] = [];
  const hits: string[] = [];
  const pass = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const fault = faults.find((one) => one.left > 0 && one.on(incoming));
    if (fault) {
      fault.left -= 1;
      hits.push(`${incoming.method} ${incoming.url}`);
    }
    if (fault?.instead) return fault.instead(incoming, response);
    const answer = await forward(target, incoming);
    const changed = fault?.after ? fault.after(answer) : answer;
    if (!changed) return void response.destroy();
    response.writeHead(changed.status, changed.headers);
    response.end(incoming.method === "HEAD" ? undefined : changed.body);
  };
  const server = createServer((incoming, response) => {
    pass(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hits,
    break: (fault) => void faults.push({ ...fault, left: fault.times }),
    heal: () => {
      faults = [];
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function forward(target: string, incoming: IncomingMessage): Promise<Passing> {
  const { hostname, port } = new URL(target);
  const { method, url: path, headers } = incoming;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request({ hostname, port, method, path, headers }, resolve);
  outgoing.once("error", reject);
  incoming.pipe(outgoing);
  const answer = await promise;
  return { status: answer.statusCode ?? 502, headers: answer.headers, body: await buffer(answer) };
}

const xml =
  (status: number, code: string) => (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    request.once("end", () => {
      response.writeHead(status, { "content-type": "application/xml" });
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>x</Message></Error>`);
    });
  };

/** What stores and networks do to their clients. */
export const faults = {
  slowDown: xml(503, "SlowDown"),
  /** The error comes after the head said that all is well. */
  errorInOk: xml(200, "InternalError"),
  /** Hangs up when the first bytes have come. */
  reset: (request: IncomingMessage) => {
    request.once("data", () => request.socket.resetAndDestroy());
    request.once("end", () => request.socket.resetAndDestroy());
  },
  /** The store has done it, and nobody hears of it. */
  unheard: (): undefined => undefined,
  otherEtag: ({ headers, ...passing }: Passing): Passing => ({
    ...passing,
    headers: { ...headers, etag: `"${"0".repeat(32)}"` },
  }),
  /** The first half, under a head that promises the whole; then the connection ends. */
  half: ({ body, ...passing }: Passing): Passing => ({
    ...passing,
    body: body.subarray(0, body.length >> 1),
  }),
} as const;
