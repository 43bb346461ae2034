import { createApi } from "../../test/support/api.ts";
import { processTree } from "../../test/support/process-tree.ts";
import { type HttpLoad, wrk } from "../load.ts";
import { startReference } from "../reference/start.ts";
import type { Bench, Goal, Scenario, Side } from "../scenario.ts";

/** P21: an object with Basic authentication, a list of 100, a list by label. */
export const scenario: Scenario = { title: "API reads with Basic authentication", run };

async function run(bench: Bench): Promise<void> {
  const hrefs = await seed(bench);
  const object = { url: bench.server.apiUrl, paths: hrefs };
  const one: Goal = { measure: "cpuMs", bound: 0.3, source: "H12: one object" };
  const list: Goal = { measure: "cpuMs", bound: 2, source: "H12: a list of 100" };
  await compared(bench, { name: "object", rows: 1, load: object, goal: one });
  const root = `${bench.server.apiUrl}/pulp/api/v3/repositories/file/file/`;
  const page = { url: `${root}?limit=100` };
  await compared(bench, { name: "list of 100 repositories", rows: 100, load: page, goal: list });
  const label = { url: `${root}?limit=100&pulp_label_select=env%3Dprod` };
  await compared(bench, { name: "list of 100 by label", rows: 100, load: label, goal: list });
  const few = { url: `${root}?limit=100&fields=name,pulp_href` };
  await compared(bench, { name: "list of 100, two fields", rows: 100, load: few, goal: list });
}

interface Compared {
  readonly name: string;
  readonly rows: number;
  readonly load: HttpLoad;
  readonly goal: Goal;
}

/** Our API beside a bare program that reads as many rows. */
async function compared(bench: Bench, { name, rows, load, goal }: Compared): Promise<void> {
  await using reference = await startReference("rows.ts", [bench.databaseUrl, String(rows)]);
  const ours: Side = {
    name: "deckle",
    pids: () => bench.pids(),
    load: (seconds) => wrk({ ...load, headers: authorization(bench) }, seconds),
  };
  const theirs: Side = {
    name: "bare node:http with one statement",
    pids: async () => [
      ...(await processTree(reference.pid)),
      ...(await processTree(bench.databasePid)),
    ],
    load: (seconds) => wrk({ url: reference.url }, seconds),
  };
  await bench.pair({ name, ours, theirs, goals: [goal] });
}

const authorization = ({ server }: Bench) => ({
  Authorization: `Basic ${Buffer.from(`${server.username}:${server.password}`).toString("base64")}`,
});

async function seed({ server }: Bench): Promise<readonly string[]> {
  const api = createApi(server);
  const made = [];
  for (let n = 0; n < 200; n += 1) {
    const body = { name: `r${n}`, pulp_labels: { env: n % 2 === 0 ? "prod" : "test" } };
    made.push(await api.post("repositories/file/file/", body));
  }
  return made.map((each) => each.pulp_href);
}
