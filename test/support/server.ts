import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { processTree } from "./process-tree.ts";

export const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "../..");

export interface ServerOptions {
  /** Data folder; a fresh one, removed at the end, without it. */
  readonly home?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Free ones without it. */
  readonly ports?: { readonly api: number; readonly content: number };
  /** How long it may take until it is ready, installation included. */
  readonly startTimeoutMs?: number;
}

/** A server started as a user does, with `npm start`, on ports of its own. */
export interface Server extends AsyncDisposable {
  readonly home: string;
  /** `http://127.0.0.1:port` */
  readonly apiUrl: string;
  readonly contentUrl: string;
  readonly username: string;
  readonly password: string;
  /** Milliseconds from the command to its `ready` line. */
  readonly startMs: number;
  /** Lines of standard output so far. */
  readonly lines: readonly string[];
  /** Everything that was written, for the report of a failure. */
  readonly logFile: string;
  /** Process ids of the whole tree, PostgreSQL included. */
  pids(): Promise<readonly number[]>;
  /** Sends the signal to the command (`group`: to all of its group, as Ctrl-C does); exit code. */
  stop(signal?: NodeJS.Signals, to?: "command" | "group"): Promise<number | null>;
}

export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const started = performance.now();
  const home = options.home ?? (await mkdtemp(join(tmpdir(), "deckle-home-")));
  const ports = options.ports ?? { api: await freePort(), content: await freePort() };
  const { api: apiPort, content: contentPort } = ports;
  const password = "correct horse battery";
  const logFile = join(tmpdir(), `deckle-server-${apiPort}.log`);
  const child = spawn("npm", ["start", "--silent"], {
    cwd: repositoryRoot,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      DECKLE_HOME: home,
      DECKLE_ADMIN_PASSWORD: password,
      DECKLE_API_BIND: `127.0.0.1:${apiPort}`,
      DECKLE_CONTENT_BIND: `127.0.0.1:${contentPort}`,
      DECKLE_TASK_SLOTS: "2",
      ...options.env,
    },
  });
  const lines = record(child, logFile);
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const pids = () => processTree(child.pid ?? 0);
  const stop: Server["stop"] = async (signal = "SIGTERM", to = "command") => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    process.kill(to === "group" ? -(child.pid ?? 0) : (child.pid ?? 0), signal);
    return exited;
  };
  await untilReady(child, { lines, logFile, timeoutMs: options.startTimeoutMs ?? 180_000 });
  return {
    home,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    contentUrl: `http://127.0.0.1:${contentPort}`,
    username: "admin",
    password,
    startMs: performance.now() - started,
    lines,
    logFile,
    pids,
    stop,
    async [Symbol.asyncDispose]() {
      const tree = await pids();
      const late = setTimeout(() => kill(tree), 30_000);
      await stop();
      clearTimeout(late);
      if (options.home === undefined) await rm(home, { recursive: true, force: true });
    },
  };
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

function record(child: ChildProcess, logFile: string): string[] {
  const lines: string[] = [];
  const log = createWriteStream(logFile);
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  if (child.stdout) createInterface(child.stdout).on("line", (line) => void lines.push(line));
  return lines;
}

interface Start {
  readonly lines: readonly string[];
  readonly logFile: string;
  readonly timeoutMs: number;
}

async function untilReady(child: ChildProcess, start: Start): Promise<void> {
  const deadline = Date.now() + start.timeoutMs;
  while (!start.lines.some((line) => line.startsWith("ready"))) {
    if (child.exitCode !== null) throw new Error(`npm start ended, see ${start.logFile}`);
    if (Date.now() > deadline) {
      kill(await processTree(child.pid ?? 0));
      throw new Error(`npm start is not ready after ${start.timeoutMs} ms, see ${start.logFile}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
