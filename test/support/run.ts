/**
 * `npm test`: one throw-away PostgreSQL for all files, then every test that needs no foreign client.
 *
 *   npm test -- [files or globs]
 *
 * `DECKLE_TEST_PG` names a running server instead.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm, statfs } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "#platform/db/embedded.ts";
import { freePort, repositoryRoot } from "./server.ts";

/** `test/clients/` needs programs from elsewhere and has a script of its own. */
const FOLDERS =
  "app,base,bench,contract,core,delivery,house,operator,platform,plugins,rest,sdk,tools,worker";

const MEMORY = "/dev/shm";
const ROOM_BYTES = 2 ** 32;

process.exitCode = await main(process.argv.slice(2));

async function main(chosen: readonly string[]): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const server = process.env.DECKLE_TEST_PG || (await startShared(stack));
  const files = chosen.length > 0 ? chosen : ["src/**/*.test.ts", `test/{${FOLDERS}}/**/*.test.ts`];
  return await run(files, { ...process.env, DECKLE_TEST_PG: server });
}

/** A database of its own for each test is hundreds of files: in memory they cost a tenth. */
async function fastestFolder(): Promise<string> {
  const memory = await statfs(MEMORY).catch(() => undefined);
  const isRoomy = memory !== undefined && memory.bavail * memory.bsize >= ROOM_BYTES;
  return isRoomy ? MEMORY : tmpdir();
}

async function startShared(stack: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(await fastestFolder(), "deckle-test-pg-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const embedded = await startEmbedded({ folder, port, settings: { fsync: "off" } });
  stack.defer(() => embedded.stop());
  return `postgresql://postgres:password@127.0.0.1:${port}`;
}

function run(files: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(
    process.execPath,
    [
      ...["--test", "--test-force-exit", "--test-timeout=180000", "--test-reporter=dot"],
      // Tests wait for databases and processes more than they compute.
      ...[`--test-concurrency=${availableParallelism() + 1}`, ...files],
    ],
    {
      cwd: repositoryRoot,
      env,
      stdio: "inherit",
    },
  );
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
