import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/support/server.ts";
import type { Reference } from "./start.ts";

const PROGRAM = "/usr/bin/docker-registry";
const START_MS = 20_000;

/** Debian's registry on loopback, with its files in a folder of its own and nobody to ask. */
export async function startDockerRegistry(): Promise<Reference> {
  const home = await mkdtemp(join(tmpdir(), "deckle-docker-registry-"));
  const port = await freePort();
  const configuration = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(home, "data") }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
  };
  // Its YAML takes JSON.
  await writeFile(join(home, "config.yml"), JSON.stringify(configuration));
  const child = spawn(PROGRAM, ["serve", join(home, "config.yml")], { stdio: "ignore" });
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${PROGRAM} ended with ${code}`)));
  });
  failed.catch(() => undefined);
  const url = `http://127.0.0.1:${port}`;
  await Promise.race([failed, untilAnswering(url)]);
  return {
    url,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      if (child.kill()) await exited;
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function untilAnswering(url: string): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const answer = await fetch(`${url}/v2/`).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > deadline) throw new Error(`${PROGRAM} does not answer`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
