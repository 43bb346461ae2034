import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface FeatureService {
  readonly url: string;
  /** Accounts and features that were asked for. */
  readonly asked: string[];
  answer: (accountId: string) => { readonly status?: number; readonly body: unknown };
}

/** A feature service that says what the test says; account 7 has the feature without further word. */
export async function featureService(t: TestContext): Promise<FeatureService> {
  const service = {
    url: "",
    asked: [] as string[],
    answer: (id: string): { readonly status?: number; readonly body: unknown } => ({
      body: { features: id === "7" ? [{ name: "lightwell-network" }] : [] },
    }),
  };
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://x.example");
    const account = searchParams.get("accountId") ?? "";
    service.asked.push(`${account} ${searchParams.getAll("features")}`);
    const { status = 200, body } = service.answer(account);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  service.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/features`;
  return service;
}
