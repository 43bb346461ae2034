import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type EmbeddedServer, startEmbedded } from "#platform/db/embedded.ts";
import type { Log } from "#platform/log/log.ts";

/** Name of our database in the embedded cluster. */
const DATABASE = "pulp";
const RESTART_MS = 1000;

export interface EmbeddedDatabase {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the embedded server, and again whenever it ends by itself. */
export async function openEmbedded(folder: string, log: Log): Promise<EmbeddedDatabase> {
  let server = await startEmbedded({ folder });
  await ensureDatabase(server.url("postgres"));
  const stopping = new AbortController();
  // However this process ends: a server that nobody owns would hold the folder.
  const onExit = () => server.pid > 0 && process.kill(server.pid, "SIGINT");
  process.once("exit", onExit);
  const watch = async () => {
    for (;;) {
      await server.ended;
      if (stopping.signal.aborted) return;
      log.error("The embedded database ended; it is started again.");
      server = await restarted(folder, log, stopping.signal).catch(() => server);
      if (stopping.signal.aborted) return server.stop();
    }
  };
  const watching = watch();
  return {
    url: server.url(DATABASE),
    async stop() {
      stopping.abort();
      await server.stop();
      await watching;
      process.off("exit", onExit);
    },
  };
}

async function restarted(folder: string, log: Log, signal: AbortSignal): Promise<EmbeddedServer> {
  for (;;) {
    try {
      return await startEmbedded({ folder });
    } catch (error) {
      log.error("The embedded database does not start.", { error });
      await sleep(RESTART_MS, undefined, { signal });
    }
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query("select from pg_database where datname = $1", [
      DATABASE,
    ]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}
