import pg from "pg";
import { createApi } from "../../test/support/api.ts";
import { loop, wrk } from "../load.ts";
import type { Bench, Scenario, Side } from "../scenario.ts";

/** Basic authentication on each request: a password that was verified before, against verifying it. */
export const scenario: Scenario = { title: "log-ins that are remembered, and new ones", run };

/** More than are asked for: each of them logs in once. */
const USERS = 20_000;
/** Threads of a process that compute hashes. */
const CLIENTS = 4;

async function run(bench: Bench): Promise<void> {
  await seedUsers(bench);
  const api = createApi(bench.server);
  const { pulp_href } = await api.post("repositories/file/file/", { name: "r" });
  const url = bench.server.apiUrl + pulp_href;
  await bench.pair({
    name: "GET of one object, password verified before, against verifying it each time",
    ours: side(bench, "remembered", (seconds) =>
      wrk({ url, headers: authorization(bench, bench.server.username), connections: 16 }, seconds),
    ),
    theirs: side(bench, "verified each time", newcomers(bench, url)),
    goals: [{ measure: "rate", bound: 50, source: "performance §7: a hash once a minute" }],
  });
}

const side = (bench: Bench, name: string, load: Side["load"]): Side => ({
  ...{ name, load },
  pids: () => bench.pids(),
});

function newcomers(bench: Bench, url: string): Side["load"] {
  let next = 0;
  const ask = async () => {
    next += 1;
    const answer = await fetch(url, { headers: authorization(bench, `user-${next}`) });
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`user-${next}: ${answer.status}`);
  };
  return (seconds) => loop(ask, seconds, CLIENTS);
}

const authorization = ({ server }: Bench, username: string) => ({
  authorization: `Basic ${Buffer.from(`${username}:${server.password}`).toString("base64")}`,
});

/** Users with the administrator's password, and so with as many rounds as it has. */
async function seedUsers({ databaseUrl, server }: Bench): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(
    `insert into app_user (username, password, is_superuser)
     select 'user-' || n, u.password, true from app_user u, generate_series(1, ${USERS}) n
     where u.username = $1`,
    [server.username],
  );
  await client.query("vacuum analyze app_user");
  await client.end();
}
