import { createServer } from "node:net";
import { type Api, createApi } from "../../test/support/api.ts";
import type { Bench, Scenario } from "../scenario.ts";

/** P19: tasks finished per second, and that a long queue does not slow the finishing. */
export const scenario: Scenario = { title: "draining the queue at 200 and at 5 000 tasks", run };

async function run(bench: Bench): Promise<void> {
  const api = createApi(bench.server);
  const repositories: string[] = [];
  for (let n = 0; n < 50; n += 1) {
    const { pulp_href } = await api.post("repositories/file/file/", { name: `q${n}` });
    repositories.push(pulp_href);
  }
  const short = await drain(bench, { api, repositories, count: 200 });
  const long = await drain(bench, { api, repositories, count: 5000 });
  bench.record({ name: "drain of 200 tasks", value: short, unit: "tasks/s" });
  bench.record({ name: "drain of 5 000 tasks", value: long, unit: "tasks/s" });
  bench.record({
    name: "time per task, 5 000 against 200",
    ...{ value: short / long, unit: "ratio", bound: 1.3, source: "P19: linear in Q" },
  });
}

interface Drain {
  readonly api: Api;
  readonly repositories: readonly string[];
  readonly count: number;
}

/** Fills the queue behind tasks that hold every slot, lets go, and times the rest. */
async function drain(bench: Bench, { api, repositories, count }: Drain): Promise<number> {
  await using gate = await holdSlots(api, String(count));
  for (let n = 0; n < count; n += 10) {
    const hrefs = Array.from({ length: 10 }, (_, m) => repositories[(n + m) % repositories.length]);
    await Promise.all(hrefs.map((href) => api.post(`${href}modify/`, {})));
  }
  await gate[Symbol.asyncDispose]();
  const started = performance.now();
  for (;;) {
    const open = await api.get("tasks/?state__in=waiting,running&limit=1&fields=state");
    if (open.count === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  bench.say(`  ${count} tasks drained`);
  return (1000 * count) / (performance.now() - started);
}

async function holdSlots(api: Api, name: string): Promise<AsyncDisposable> {
  const silent = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  const { port } = silent.address() as { port: number };
  const url = `http://127.0.0.1:${port}/PULP_MANIFEST`;
  const remote = await api.post("remotes/file/file/", { name: `hold-${name}`, url });
  const tasks: string[] = [];
  for (let n = 0; n < 4; n += 1) {
    const body = { name: `hold-${name}-${n}` };
    const { pulp_href } = await api.post("repositories/file/file/", body);
    const { task } = await api.post(`${pulp_href}sync/`, { remote: remote.pulp_href });
    tasks.push(task);
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const task of tasks.splice(0)) {
        await api.patch(task, { state: "canceled" });
        await api.task({ task });
      }
      silent.close();
    },
  };
}
