import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../support/server.ts";

const PROGRAM = "/usr/bin/docker-registry";
const START_MS = 30_000;

/** A registry of others; it asks for a password. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string;
  readonly username: string;
  readonly password: string;
  /** Ends it; its data stay until it is disposed. */
  stop(): Promise<void>;
}

/** bcrypt of the password, as htpasswd files have it. */
const HASH = "$2b$10$xSawMEmy0yfDu.ho/nKv6er2sx5ujs47HyL9.bEhjarJmfr0oEc1y";

export async function startDockerRegistry(): Promise<DockerRegistry> {
  if (!existsSync(PROGRAM))
    throw new Error("docker-registry is not installed; run tools/install-clients.sh");
  const folder = await mkdtemp(join(tmpdir(), "deckle-docker-registry-"));
  const host = `127.0.0.1:${await freePort()}`;
  const htpasswd = join(folder, "htpasswd");
  await writeFile(htpasswd, `ann:${HASH}\n`);
  const config = {
    version: "0.1",
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, "data") } },
    http: { addr: host },
    auth: { htpasswd: { realm: "tests", path: htpasswd } },
  };
  await writeFile(join(folder, "config.yml"), JSON.stringify(config));
  const child = spawn(PROGRAM, ["serve", join(folder, "config.yml")], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const limit = Date.now() + START_MS;
  while (!(await fetch(`http://${host}/v2/`).catch(() => undefined))) {
    if (child.exitCode !== null || Date.now() > limit) throw new Error("It does not start.");
    await sleep(100);
  }
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
  };
  return {
    host,
    username: "ann",
    password: "s3cret",
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
