import { setTimeout as sleep } from "node:timers/promises";
import { migrationStates } from "#platform/db/migrate.ts";
import { type Configuration, configure, logWarnings } from "../configure.ts";
import { appErrors } from "../errors.ts";
import { integerFlag } from "../flags.ts";
import { migrationSources } from "../plugins.ts";
import { connect, ping } from "../runtime.ts";
import { type Command, print } from "./command.ts";

const TRIES = 100;
const PAUSE_SECONDS = 3;
const POLL_SECONDS = 5;

export const waitOnPostgresCommand: Command = {
  name: "wait_on_postgres",
  usage: "[--tries NUMBER] [--pause SECONDS]",
  summary: "Waits until the database answers; tries 100 times, 3 seconds apart.",
  options: { tries: { type: "string" }, pause: { type: "string" } },
  async run({ text }) {
    const tries = integerFlag("tries", text.tries) ?? TRIES;
    const pauseMs = 1000 * (integerFlag("pause", text.pause) ?? PAUSE_SECONDS);
    const configuration = configured();
    for (let attempt = 1; attempt <= tries; attempt += 1) {
      const problem = await problemOf(configuration);
      if (problem === undefined) {
        print("Postgres started.");
        return 0;
      }
      process.stderr.write(`Try ${attempt} of ${tries}: ${problem}\n`);
      if (attempt < tries) await sleep(pauseMs);
    }
    process.stderr.write("Unable to reach postgres.\n");
    return 1;
  },
};

export const waitOnMigrationsCommand: Command = {
  name: "wait_on_database_migrations",
  usage: "[--pause SECONDS]",
  summary: "Waits until somebody has applied all migrations; looks every 5 seconds.",
  options: { pause: { type: "string" } },
  async run({ text }) {
    const pauseMs = 1000 * (integerFlag("pause", text.pause) ?? POLL_SECONDS);
    const configuration = configured();
    for (let told = ""; ; ) {
      const problem = await unmigrated(configuration);
      if (problem === undefined) {
        print("Database migrated!");
        return 0;
      }
      if (problem !== told) process.stderr.write(`${problem}\n`);
      told = problem;
      await sleep(pauseMs);
    }
  },
};

function configured(): Configuration {
  const configuration = configure();
  logWarnings(configuration);
  return configuration;
}

/** Why the database does not answer; undefined if it does. */
async function problemOf(configuration: Configuration): Promise<string | undefined> {
  await using database = connect(configuration, { role: "manager", poolSize: 1 }).database;
  return await reason(ping(database));
}

async function reason(work: Promise<void>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (appErrors.database.is(error)) return error.message;
    throw error;
  }
}

/** What is missing until the servers can start; undefined if nothing is. */
async function unmigrated(configuration: Configuration): Promise<string | undefined> {
  await using database = connect(configuration, { role: "manager", poolSize: 1 }).database;
  const problem = await reason(ping(database));
  if (problem !== undefined) return problem;
  const states = await migrationStates(database.db as never, migrationSources());
  const missing = states.filter(({ isApplied }) => !isApplied).length;
  return missing === 0 ? undefined : `Database migration in progress. ${missing} are missing.`;
}
