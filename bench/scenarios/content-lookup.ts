import pg from "pg";
import { createApi } from "../../test/support/api.ts";
import { processTree } from "../../test/support/process-tree.ts";
import { type Server, startServer } from "../../test/support/server.ts";
import { type BenchDatabase, startDatabase } from "../database.ts";
import { wrk } from "../load.ts";
import type { Bench, Scenario, Side } from "../scenario.ts";

/** P2, H2: files that no cache knows, and files that nobody has, with PostgreSQL's CPU. */
export const scenario: Scenario = { title: "cold look-ups and 404 of the content app", run };

/** Paths that are asked for in turn: more than the small cache of this server holds. */
const PATHS = 5000;
const SMALL = 5000;
const LARGE = 100_000;

async function run(bench: Bench): Promise<void> {
  const database = bench.stack.use(await startDatabase());
  const env = {
    ...{ PULP_LOG_LEVEL: "warn", DATABASE_URL: database.url },
    PULP_RESPONSE_CACHE_BYTES: "1048576",
  };
  const server = bench.stack.use(await startServer({ env }));
  const place = { server, database };
  for (const units of [SMALL, LARGE]) await publish(place, units);
  const found = (units: number) => side(place, units, "file");
  const missing = (units: number) => side(place, units, "none");
  const against = { measure: "slowdown", bound: 1.3 } as const;
  await bench.pair({
    name: `cold GET among ${LARGE} files, against ${SMALL}`,
    ours: found(LARGE),
    theirs: found(SMALL),
    goals: [
      { measure: "cpuMs", bound: 0.3, source: "H2: look-up without the cache" },
      { ...against, source: "growth law" },
    ],
  });
  await bench.pair({
    name: `404 among ${LARGE} files, against ${SMALL}`,
    ours: missing(LARGE),
    theirs: missing(SMALL),
    goals: [
      { measure: "cpuMs", bound: 0.3, source: "H2: look-up without the cache" },
      { ...against, source: "growth law" },
    ],
  });
}

interface Place {
  readonly server: Server;
  readonly database: BenchDatabase;
}

function side({ server, database }: Place, units: number, kind: "file" | "none"): Side {
  const step = units / PATHS;
  const paths = Array.from({ length: PATHS }, (_, index) => {
    const n = Math.floor(index * step) + 1;
    return `/pulp/content/lookup-${units}/dir${n % 100}/${kind}${n}.bin`;
  });
  const alsoFine = kind === "none" ? [404] : [];
  const load = { url: server.contentUrl, paths, connections: 16, alsoFine };
  return {
    name: `${kind} of ${units}`,
    pids: async () => [...(await server.pids()), ...(await processTree(database.pid))],
    load: (seconds) => wrk(load, seconds),
  };
}

/** A distribution of so many units that share one stored file. */
async function publish({ server, database }: Place, units: number): Promise<void> {
  const api = createApi(server);
  const name = `lookup-${units}`;
  const repository = await api.post("repositories/file/file/", { name });
  const form = new FormData();
  form.set("file", new Blob([name.padEnd(1024)]));
  const artifact = await api.post("artifacts/", form);
  const values = [idOf(repository.pulp_href), idOf(artifact.pulp_href), units];
  await withClient(database, async (client) => {
    await client.query("begin");
    await client.query(UNITS, values.slice(0, 3));
    await client.query(VERSION, [values[0], units]);
    await client.query("commit");
    await client.query("vacuum analyze");
  });
  const version = `${repository.pulp_href}versions/1/`;
  const body = { repository_version: version, manifest: null };
  await api.done(await api.post("publications/file/file/", body));
  const distribution = { name, base_path: name, repository: repository.pulp_href };
  await api.done(await api.post("distributions/file/file/", distribution));
}

const idOf = (href: string): string => href.split("/").at(-2) ?? "";

async function withClient(
  { url }: BenchDatabase,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await work(client).finally(() => client.end());
}

const UNITS = `
  with unit as materialized (
    select gen_random_uuid() as content, gen_random_uuid() as id,
      format('dir%s/file%s.bin', n % 100, n) as path from generate_series(1, $3::int) n
  ), keyed as materialized (
    select unit.*, encode(substr(sha256(path::bytea), 1, 16), 'hex')::uuid as key, r.num, r.domain,
      t.num as type
    from unit, repository r, content_type t where r.id = $1 and t.name = 'file.file'
  ), a as (
    insert into content (id, domain, type, natural_key, slot)
    select content, domain, type, sha256(content::text::bytea), key from keyed
  ), b as (
    insert into file_content (id, domain, relative_path, digest)
    select content, domain, path, sha256(path::bytea) from keyed
  ), c as (
    insert into content_artifact (id, domain, content, artifact, relative_path, path_key)
    select id, domain, content, $2::uuid, path, key from keyed
  ), d as (update repository set next_version = 2 where id = $1)
  insert into membership (repository, added, domain, type, slot, content)
  select num, 1, domain, type, key, content from keyed`;

const VERSION = `
  insert into repository_version (id, domain, repository, number, complete, counts)
  select gen_random_uuid(), domain, num, 1, true,
    jsonb_build_object('present', jsonb_build_object('file.file', $2::int),
                       'added', jsonb_build_object('file.file', $2::int))
  from repository where id = $1`;
