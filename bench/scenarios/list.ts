import pg from "pg";
import { createApi } from "../../test/support/api.ts";
import { wrk } from "../load.ts";
import type { Bench, Scenario, Side } from "../scenario.ts";
import { seedFiles } from "../seed/files.ts";

/** P21, H12: a page of 100 file units, near the start and deep inside a large domain. */
export const scenario: Scenario = { title: "lists of file units at 1 000 and 100 000", run };

async function run(bench: Bench): Promise<void> {
  const api = createApi(bench.server);
  const sizes = [1000, 100_000];
  const repositories: string[] = [];
  for (const size of sizes) {
    const { pulp_href } = await api.post("repositories/file/file/", { name: `list-${size}` });
    await seedFiles(bench.databaseUrl, pulp_href, size);
    repositories.push(pulp_href);
  }
  await analyze(bench.databaseUrl);
  const [small, large] = repositories.map((repository) => side(bench, repository));
  if (!small || !large) throw new Error("two sizes are needed");
  await bench.pair({
    name: "page of 100 units of a version of 100 000, against 1 000",
    ours: large,
    theirs: small,
    goals: [
      { measure: "cpuMs", bound: 2, source: "H12: a list of 100 file units" },
      { measure: "slowdown", bound: 1.3, source: "H12: 1 M rows against 1 k" },
    ],
  });
}

function side(bench: Bench, repository: string): Side {
  const { apiUrl, username, password } = bench.server;
  const version = encodeURIComponent(`${repository}versions/1/`);
  const url = `${apiUrl}/pulp/api/v3/content/file/files/?limit=100&repository_version=${version}`;
  const Authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  return {
    name: repository,
    pids: () => bench.pids(),
    load: (seconds) => wrk({ url, headers: { Authorization }, connections: 16 }, seconds),
  };
}

async function analyze(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("vacuum analyze");
  await client.end();
}
