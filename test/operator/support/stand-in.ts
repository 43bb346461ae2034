import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

export interface Said {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly location?: string;
}

export interface StandIn {
  readonly url: string;
  readonly asked: Asked[];
}

/** A server that answers what the test says, on the loopback interface. */
export async function standIn(
  t: TestContext,
  answer: (asked: Asked) => Said,
  host = "127.0.0.1",
): Promise<StandIn> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const one = await read(request);
    asked.push(one);
    const { status = 200, json, text, location } = answer(one);
    response.writeHead(status, { ...(location === undefined ? {} : { location }) });
    response.end(text ?? (json === undefined ? "" : JSON.stringify(json)));
  });
  server.listen(0, host);
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://${host}:${(server.address() as AddressInfo).port}`, asked };
}

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>);
  const { method = "", url: path = "", headers } = request;
  return {
    ...{ method, path, authorization: headers.authorization },
    body: Buffer.concat(chunks).toString(),
  };
}

/** A page of a list. */
export const page = (results: readonly object[], next: string | null = null): Said => ({
  json: { count: results.length, next, previous: null, results },
});
