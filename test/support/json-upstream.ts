import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Json } from "#base/json.ts";

export interface UpstreamAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or a text that is none. */
  readonly body?: Json;
  readonly text?: string;
  readonly afterMs?: number;
}

export interface JsonUpstream {
  readonly url: string;
  /** Requests as `GET /path`, in the order that they came. */
  readonly asked: string[];
  /** Requests under way at the same time, at the most. */
  mostAtOnce: number;
}

/** A server that answers with JSON what the test says. */
export async function jsonUpstream(
  t: TestContext,
  answer: (path: string, body: Json | undefined) => UpstreamAnswer,
): Promise<JsonUpstream> {
  const upstream = { url: "", asked: [] as string[], mostAtOnce: 0 };
  let open = 0;
  const server = createServer(async (request, response) => {
    open += 1;
    upstream.mostAtOnce = Math.max(upstream.mostAtOnce, open);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const sent = Buffer.concat(parts).toString();
    upstream.asked.push(`${request.method} ${request.url}`);
    const said = answer(request.url ?? "", sent === "" ? undefined : JSON.parse(sent));
    await sleep(said.afterMs ?? 0);
    open -= 1;
    response.writeHead(said.status ?? 200, { "content-type": "application/json", ...said.headers });
    response.end(said.text ?? JSON.stringify(said.body ?? null));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  upstream.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return upstream;
}
