import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { clientsFolder } from "../../test/clients/support/python.ts";
import { run } from "../load.ts";

/** Other software that does the same work. */
export interface Rival extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly pid: number;
}

/** A Python environment with just these packages; its folder of programs. */
export async function pythonEnvironment(
  name: string,
  packages: readonly string[],
): Promise<string> {
  const folder = join(clientsFolder, "bench", name);
  const stamp = join(folder, "installed.txt");
  const wanted = packages.join("\n");
  if ((await readFile(stamp, "utf8").catch(() => "")) !== wanted) {
    await mkdir(folder, { recursive: true });
    await run("python3", ["-m", "venv", folder]);
    const quietly = ["--quiet", "--disable-pip-version-check"];
    await run(join(folder, "bin", "pip"), ["install", ...quietly, ...packages]);
    await writeFile(stamp, wanted);
  }
  return join(folder, "bin");
}

/** How long a server may take until it answers. */
const START_MS = 60_000;

/** Starts a server and waits until it answers. */
export async function startRival(
  [program, ...args]: readonly [string, ...string[]],
  { url, env = {} }: { readonly url: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Rival> {
  const child = spawn(program, args, { stdio: "ignore", env: { ...process.env, ...env } });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => resolve());
  });
  try {
    await untilAnswers(child, url);
  } catch (error) {
    child.kill("SIGTERM");
    throw error;
  }
  return {
    url,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function untilAnswers(child: ChildProcess, url: string): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer) return;
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended`);
    if (Date.now() > deadline) throw new Error(`${child.spawnfile} does not answer`);
    await sleep(50);
  }
}
