import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbedded } from "#platform/db/embedded.ts";
import { freePort } from "../test/support/server.ts";

/** A PostgreSQL of the bench's own, so that its processes can be counted and its rows seeded. */
export interface BenchDatabase extends AsyncDisposable {
  readonly url: string;
  /** Process id of the postmaster. */
  readonly pid: number;
}

export async function startDatabase(): Promise<BenchDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-bench-pg-"));
  const embedded = await startEmbedded({ folder, port: await freePort() });
  const client = new pg.Client({ connectionString: embedded.url("postgres") });
  await client.connect();
  await client.query("create database pulp");
  await client.end();
  return {
    url: embedded.url("pulp"),
    pid: embedded.pid,
    async [Symbol.asyncDispose]() {
      await embedded.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
