import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createApi } from "../../test/support/api.ts";
import { processTree } from "../../test/support/process-tree.ts";
import { type Server, startServer } from "../../test/support/server.ts";
import { startDatabase } from "../database.ts";
import { wrk } from "../load.ts";
import type { Bench, Scenario } from "../scenario.ts";

/** Service §8.1: a warm download behind a feature guard against the same without one. */
export const scenario: Scenario = { title: "downloads behind a feature guard", run };

const SIZES = [
  { name: "1 KiB", bytes: 1024 },
  { name: "100 KiB", bytes: 102_400 },
] as const;
const HEADER = Buffer.from(
  JSON.stringify({
    identity: { org_id: "7", internal: { org_id: "7" }, user: { username: "kim" } },
  }),
).toString("base64");

async function run(bench: Bench): Promise<void> {
  const database = bench.stack.use(await startDatabase());
  const server = bench.stack.use(
    await startServer({
      env: {
        ...{ PULP_LOG_LEVEL: "warn", DATABASE_URL: database.url },
        PULP_ENABLED_PLUGINS: "['file', 'service']",
        PULP_FEATURE_SERVICE_API_URL: await featureService(bench),
      },
    }),
  );
  await publish(server);
  const pids = async () => [...(await server.pids()), ...(await processTree(database.pid))];
  for (const { name, bytes } of SIZES) {
    const side = (base: string) => {
      const url = `${server.contentUrl}/pulp/content/${base}/${bytes}.bin`;
      const load = { url, connections: 32, headers: { "X-RH-IDENTITY": HEADER } };
      return { name: base, pids, load: (seconds: number) => wrk(load, seconds) };
    };
    await bench.pair({
      name: `${name} behind a feature guard, against none`,
      ours: side("guarded"),
      theirs: side("open"),
      goals: [{ measure: "cpu", bound: 1 / 1.2, source: "service: at most 1.2 times" }],
    });
  }
}

/** Says of every account that it has the feature. */
async function featureService(bench: Bench): Promise<string> {
  const body = JSON.stringify({ features: [{ name: "bench" }] });
  const service = createServer((_request, response) => void response.end(body));
  service.listen(0, "127.0.0.1");
  await once(service, "listening");
  bench.stack.defer(() => void service.close());
  return `http://127.0.0.1:${(service.address() as AddressInfo).port}/`;
}

/** The same files behind `open` and `guarded`. */
async function publish(server: Server): Promise<void> {
  const api = createApi(server);
  const { pulp_href: repository } = await api.post("repositories/file/file/", { name: "files" });
  for (const { bytes } of SIZES) {
    const form = new FormData();
    form.set("relative_path", `${bytes}.bin`);
    form.set("repository", repository);
    form.set("file", new Blob([Buffer.alloc(bytes, "x")]));
    await api.done(await api.post("content/file/files/", form));
  }
  await api.done(await api.post("publications/file/file/", { repository }));
  const guard = await api.post("contentguards/service/feature/", {
    ...{ name: "g", header_name: "x-rh-identity", jq_filter: ".identity.org_id" },
    features: ["bench"],
  });
  for (const [name, more] of [
    ["open", {}],
    ["guarded", { content_guard: guard.pulp_href }],
  ] as const) {
    const distribution = { name, base_path: name, repository, ...more };
    await api.done(await api.post("distributions/file/file/", distribution));
  }
}
