import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { startEmbedded } from "#platform/db/embedded.ts";
import { freePort } from "../../support/server.ts";

/** A PostgreSQL for the databases of one file of tests, which ends with it. */
export function withDatabases(): void {
  const stack = new AsyncDisposableStack();
  before(async () => {
    if (process.env.DECKLE_TEST_PG) return;
    const folder = await mkdtemp(join(tmpdir(), "deckle-test-pg-"));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const port = await freePort();
    const embedded = await startEmbedded({ folder, port, settings: { fsync: "off" } });
    stack.defer(() => embedded.stop());
    process.env.DECKLE_TEST_PG = `postgresql://postgres:password@127.0.0.1:${port}`;
  });
  after(() => stack.disposeAsync());
}
