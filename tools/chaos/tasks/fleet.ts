import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { generateFernetKey } from "#platform/crypto/fernet.ts";
import { startEmbedded } from "#platform/db/embedded.ts";
import { type Api, createApi } from "../../../test/support/api.ts";
import { processTree } from "../../../test/support/process-tree.ts";
import { freePort, repositoryRoot } from "../../../test/support/server.ts";

/** Processes of the roles over one database: an API process and workers that are killed. */
export interface Fleet extends AsyncDisposable {
  readonly api: Api;
  readonly databaseUrl: string;
  readonly mediaRoot: string;
  readonly logFile: string;
  /** Workers that run now, with the processes of their tasks. */
  workers(): Promise<readonly Workers[]>;
  /** Starts a worker in each place where none runs. */
  refill(): void;
}

export interface Workers {
  readonly supervisor: number;
  readonly children: readonly number[];
}

export interface FleetOptions {
  /** Folder of the database, the store and the log. */
  readonly home: string;
  readonly size: number;
  readonly settings: Readonly<Record<string, string>>;
}

const PASSWORD = "correct horse battery";
const START_MS = 120_000;

/** Starts everything; resolves when the API answers. */
export async function openFleet({ home, size, settings }: FleetOptions): Promise<Fleet> {
  await using stack = new AsyncDisposableStack();
  const embedded = await startEmbedded({ folder: join(home, "postgres") });
  stack.defer(() => embedded.stop());
  const databaseUrl = embedded.url("postgres");
  const keyFile = join(home, "key");
  writeFileSync(keyFile, generateFernetKey());
  const environment = {
    ...{ DATABASE_URL: databaseUrl, PULP_DEPLOY_ROOT: home, PULP_DB_ENCRYPTION_KEY: keyFile },
    ...settings,
  };
  const logFile = join(home, "fleet.log");
  const start = starter(environment, logFile);
  await finished(start("manager", "migrate", "--noinput"));
  await finished(start("manager", "reset-admin-password", "--password", PASSWORD));
  const port = await freePort();
  const server = start("api", "-b", `127.0.0.1:${port}`);
  stack.defer(() => ended(server, "SIGTERM"));
  const places = new Places(size, start);
  stack.defer(() => places.close());
  places.refill();
  const target = { apiUrl: `http://127.0.0.1:${port}`, username: "admin", password: PASSWORD };
  const api = createApi(target);
  await untilServing(api, logFile);
  const opened = stack.move();
  return {
    ...{ api, databaseUrl, logFile, mediaRoot: join(home, "media") },
    workers: () => places.running(),
    refill: () => places.refill(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

type Start = (role: string, ...parameters: readonly string[]) => ChildProcess;

function starter(environment: Readonly<Record<string, string>>, logFile: string): Start {
  const log = openSync(logFile, "a");
  return (role, ...parameters) =>
    spawn(process.execPath, [join(repositoryRoot, "src/bin", `${role}.ts`), ...parameters], {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...environment },
    });
}

/** Places of workers, each with a name that stays, as those of restarted containers do. */
class Places {
  readonly #size: number;
  readonly #start: Start;
  readonly #running: ChildProcess[] = [];

  constructor(size: number, start: Start) {
    this.#size = size;
    this.#start = start;
  }

  refill(): void {
    for (let place = 0; place < this.#size; place += 1) {
      const current = this.#running[place];
      if (current && !hasEnded(current)) continue;
      this.#running[place] = this.#start("worker", "--name-template", `place-${place}@chaos`);
    }
  }

  async running(): Promise<readonly Workers[]> {
    const alive = this.#running.filter((child) => !hasEnded(child) && child.pid !== undefined);
    return Promise.all(
      alive.map(async ({ pid: supervisor = 0 }) => {
        const tree = await processTree(supervisor);
        return { supervisor, children: tree.filter((pid) => pid !== supervisor) };
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((child) => ended(child, "SIGTERM")));
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return;
  const over = once(child, "exit");
  child.kill(signal);
  await over;
}

async function finished(child: ChildProcess): Promise<void> {
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${child.spawnargs.join(" ")} ended with ${code}`);
}

async function untilServing(api: Api, logFile: string): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const status = await api.get("status/").catch(() => undefined);
    if (status?.online_workers.length > 0) return;
    if (Date.now() > deadline) throw new Error(`the roles do not start, see ${logFile}`);
    await sleep(100);
  }
}
