import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface FeatureService {
  readonly url: string;
  /** Accounts and features that were asked for. */
  readonly asked: string[];
  /** Connections that were made. */
  readonly connections: number;
  answer: (accountId: string) => FeatureAnswer | Promise<FeatureAnswer>;
  /** Ends; connections that are open break. */
  stop(): void;
}

export interface FeatureAnswer {
  readonly status?: number;
  readonly body: unknown;
}

/** A feature service that says what the test says; account 7 has the feature without further word. */
export async function featureService(t: TestContext): Promise<FeatureService> {
  const service = {
    url: "",
    asked: [] as string[],
    connections: 0,
    answer: (id: string): FeatureAnswer | Promise<FeatureAnswer> => ({
      body: { features: id === "7" ? [{ name: "lightwell-network" }] : [] },
    }),
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  const server = createServer(async (request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://x.example");
    const account = searchParams.get("accountId") ?? "";
    service.asked.push(`${account} ${searchParams.getAll("features")}`);
    const { status = 200, body } = await service.answer(account);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.on("connection", () => {
    service.connections += 1;
  });
  t.after(() => service.stop());
  service.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/features`;
  return service;
}
