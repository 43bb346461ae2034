import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { createApi } from "../../test/support/api.ts";
import type { Bench, Scenario } from "../scenario.ts";

/** A list for somebody who sees some objects of very many, by a role on each. */
export const scenario: Scenario = { title: "lists scoped by roles on objects", run };

const OBJECTS = 1_000_000;
const ROLES = 10_000;
const ASKS = 9;
/** Counts are believed for a second: each list here counts anew. */
const COUNT_MS = 1100;

async function run(bench: Bench): Promise<void> {
  const api = createApi(bench.server);
  const { password } = bench.server;
  const { pulp_href } = await api.post("users/", { username: "viewer", password });
  await seed(bench, Number(pulp_href.split("/").at(-2)));
  const viewer = createApi({ ...bench.server, username: "viewer" });
  const orders = ["", "&ordering=name", "&ordering=-pulp_last_updated"];
  for (const order of orders) {
    const value = await median(async () => {
      const path = `repositories/file/file/?limit=100${order}`;
      const { count, results } = await viewer.get(path);
      if (count !== ROLES || results.length !== 100) throw new Error(`${count} are visible`);
    });
    bench.record({
      name: `list of 100 of ${ROLES} visible among ${OBJECTS} repositories${order}`,
      ...{ value, unit: "ms", bound: 150, source: "access: lists scoped by roles on objects" },
    });
  }
}

async function median(work: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < ASKS; n += 1) {
    await sleep(COUNT_MS);
    const begun = performance.now();
    await work();
    times.push(performance.now() - begun);
  }
  return times.sort((a, b) => a - b)[Math.floor(ASKS / 2)] ?? 0;
}

async function seed({ databaseUrl }: Bench, user: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query("begin");
  await client.query("set local synchronous_commit = off");
  for (const text of STATEMENTS) await client.query(text);
  await client.query(ASSIGNMENTS, [user]);
  await client.query("commit");
  await client.query("vacuum analyze");
  await client.end();
}

const STATEMENTS = [
  `insert into repository (id, domain, type, name, next_version)
     select uuidv7(), d.num, 'file.file', 'r' || n, 1
     from domain d, generate_series(1, ${OBJECTS}) n where d.name = 'default'`,
  "insert into file_repository (id, domain) select id, domain from repository",
  `insert into repository_version (id, domain, repository, number, complete, counts)
     select uuidv7(), domain, num, 0, true, '{}' from repository`,
] as const;

/** Spread over all ages. */
const ASSIGNMENTS = `
  insert into role_assignment (id, subject, role, kind, domain, object)
  select gen_random_uuid(), $1::int, r.num, k.num, e.domain, e.id
  from role r, object_kind k, repository e
  where r.name = 'file.filerepository_viewer' and k.name = 'file.filerepository'
    and e.num % ${OBJECTS / ROLES} = 0`;
