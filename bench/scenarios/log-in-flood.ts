import { Agent, request } from "node:http";
import { createApi } from "../../test/support/api.ts";
import { loop, wrk } from "../load.ts";
import type { Bench, Scenario } from "../scenario.ts";

/** Wrong passwords from many addresses at the API: what downloads feel of them. */
export const scenario: Scenario = { title: "downloads during a flood of failing log-ins", run };

const ADDRESSES = 16;
const CLIENTS = 32;

async function run(bench: Bench): Promise<void> {
  const url = await publish(bench);
  const download = () => wrk({ url, connections: 8 }, bench.seconds);
  await download();
  const ratios: number[] = [];
  for (let pair = 0; pair < bench.pairs; pair += 1) {
    const calm = await download();
    const flooding = flood(bench, bench.seconds + 1);
    const flooded = await download();
    const { operations } = await flooding;
    bench.say(`  p99 ${calm.p99Ms} ms, ${flooded.p99Ms} ms during ${operations} failing log-ins`);
    ratios.push((flooded.p99Ms ?? 0) / (calm.p99Ms || 1));
  }
  bench.record({
    name: "p99 of downloads during a flood of failing log-ins, over p99 without",
    value: ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? 0,
    ...{ unit: "times", bound: 2, source: "access: floods leave downloads alone" },
  });
}

/** Wrong passwords of ever new names, so that no limit per account saves the hash. */
function flood({ server }: Bench, seconds: number) {
  const agents = Array.from(
    { length: ADDRESSES },
    (_, n) => new Agent({ keepAlive: true, localAddress: `127.0.1.${n + 1}` }),
  );
  let turn = 0;
  const fail = () =>
    new Promise<void>((resolve, reject) => {
      turn += 1;
      const agent = agents[turn % ADDRESSES];
      const auth = `nobody-${turn}:wrong`;
      request(
        `${server.apiUrl}/pulp/api/v3/users/`,
        { ...(agent ? { agent } : {}), auth },
        (got) => {
          got.resume().once("end", resolve);
        },
      )
        .once("error", reject)
        .end();
    });
  return loop(fail, seconds, CLIENTS).finally(() => {
    for (const agent of agents) agent.destroy();
  });
}

/** The address of a small file that anybody may download. */
async function publish({ server }: Bench): Promise<string> {
  const api = createApi(server);
  const { pulp_href } = await api.post("repositories/file/file/", { name: "flood" });
  const form = new FormData();
  form.set("relative_path", "f");
  form.set("repository", pulp_href);
  form.set("file", new Blob(["x".repeat(1024)]));
  await api.done(await api.post("content/file/files/", form));
  await api.done(await api.post("publications/file/file/", { repository: pulp_href }));
  const json = { name: "flood", base_path: "flood", repository: pulp_href };
  await api.done(await api.post("distributions/file/file/", json));
  return `${server.contentUrl}/pulp/content/flood/f`;
}
