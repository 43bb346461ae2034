import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CoreTables } from "#core/tables.ts";
import { type Database, openDatabase } from "#platform/db/open.ts";
import { checkInvariants } from "../check-invariants.ts";

/** Two beats of a worker, and time to remove. */
const SWEEP_MS = 20_000;
/** The sweep leaves folders alone that were written to in the last minute. */
const IDLE_MS = 120_000;

/** What must never be, seen from the database and the store of a data folder. */
export async function violations(home: string): Promise<readonly string[]> {
  await using database = databaseOf(home);
  return (await found(database, home)).filter((finding) => !isLeftover(finding));
}

/** What a dead process was writing, or about to remove, stays until it is seen that nobody needs it. */
const isLeftover = (finding: string): boolean => /^I3 tmp\/(incoming|sessions)\//.test(finding);

/** Lets the folders of the dead look old, and says what the sweep has not removed then. */
export async function leftovers(home: string): Promise<readonly string[]> {
  await using database = databaseOf(home);
  const incoming = join(home, "media/tmp/incoming");
  const deadline = Date.now() + SWEEP_MS;
  for (;;) {
    const processes = await database.db.selectFrom("app_process").select(["id", "name"]).execute();
    const alive = new Set(processes.map(({ id }) => id));
    const dead = (await namesIn(incoming)).filter((id) => !alive.has(id));
    for (const id of dead) await age(join(incoming, id));
    const names = new Set(processes.map(({ name }) => name));
    const folders = (await namesIn(join(home, "tmp"))).filter((name) => !names.has(name));
    const findings = [
      ...dead.map((id) => `I3 tmp/incoming/${id} is left`),
      ...folders.map((name) => `I3 the working folder ${name} of a dead worker is left`),
    ];
    if (findings.length === 0 || Date.now() > deadline) return findings;
    await sleep(200);
  }
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

async function age(folder: string): Promise<void> {
  const old = new Date(Date.now() - IDLE_MS);
  for (const name of await namesIn(folder)) await utimes(join(folder, name), old, old).catch(gone);
  await utimes(folder, old, old).catch(gone);
}

const gone = (): void => undefined;

const databaseOf = (home: string): Database<CoreTables> =>
  openDatabase<CoreTables>({
    url: `postgresql://postgres@localhost/pulp?host=${encodeURIComponent(join(home, "postgres", "run"))}`,
    poolSize: 2,
    applicationName: "chaos",
    onError: (error) => console.error(error.message),
  });

async function found({ db }: Database<CoreTables>, home: string): Promise<readonly string[]> {
  const list = await checkInvariants(db, join(home, "media"));
  return list.map(({ invariant, subject, problem }) => `${invariant} ${subject}: ${problem}`);
}
