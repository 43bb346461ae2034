import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, repositoryRoot } from "../support/server.ts";

/** A program of `src/bin` as a process of its own. */
export interface Program {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Standard output and standard error so far. */
  readonly output: { out: string; err: string };
  /** Waits until standard output or standard error matches. */
  says(pattern: RegExp): Promise<void>;
  /** Resolves to the exit code, null after a signal. */
  readonly ended: Promise<number | null>;
}

const TIMEOUT_MS = 60_000;

/** Starts a program; it is killed at the end of the test if it still runs. */
export function startProgram(
  t: TestContext,
  [name, ...parameters]: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>> = {},
): Program {
  const child = spawn(
    process.execPath,
    [join(repositoryRoot, "src/bin", `${name}.ts`), ...parameters],
    {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...kept(), ...environment },
    },
  );
  const output = { out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    output.out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.err += chunk;
  });
  const ended = once(child, "exit").then(([code]) => code as number | null);
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await ended;
  });
  return {
    child,
    pid: child.pid ?? 0,
    output,
    ended,
    async says(pattern) {
      const limit = Date.now() + TIMEOUT_MS;
      while (!pattern.test(output.out) && !pattern.test(output.err)) {
        if (child.exitCode !== null || Date.now() > limit) {
          throw new Error(`${name} did not say ${pattern}:\n${output.out}${output.err}`);
        }
        await sleep(10);
      }
    },
  };
}

/** What a program gets of this process's environment; compiling it anew costs as much as running it. */
const kept = () =>
  Object.fromEntries(
    ["PATH", "HOME", "NODE_COMPILE_CACHE"].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** Runs a program to its end. */
export async function runProgram(
  t: TestContext,
  command: readonly [string, ...string[]],
  {
    environment = {},
    input = "",
  }: { environment?: Readonly<Record<string, string>>; input?: string } = {},
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const program = startProgram(t, command, environment);
  program.child.stdin?.end(input);
  // What it wrote last may come after its end.
  const [code] = (await once(program.child, "close")) as [number | null];
  return { code, ...program.output };
}

/** A folder that is removed with everything in it. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-app-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Variables of a one-command start on free ports, with a data folder of its own. */
export async function startEnvironment(home: string): Promise<{
  readonly DECKLE_HOME: string;
  readonly DECKLE_API_BIND: string;
  readonly DECKLE_CONTENT_BIND: string;
}> {
  return {
    DECKLE_HOME: home,
    DECKLE_API_BIND: `127.0.0.1:${await freePort()}`,
    DECKLE_CONTENT_BIND: `127.0.0.1:${await freePort()}`,
  };
}
