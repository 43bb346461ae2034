import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where `tools/install-clients.sh` puts the Python clients. */
export const clientsFolder =
  process.env.DECKLE_CLIENTS ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "deckle", "clients");

/** A program of the clients' environment; a missing one is a failure, never a skip. */
export function client(name: string): string {
  const path = join(clientsFolder, "bin", name);
  if (!existsSync(path)) {
    throw new Error(`${name} is not installed; run tools/install-clients.sh`);
  }
  return path;
}

/** Runs a Python script with arguments; fails with what it wrote. */
export function python(script: string, args: readonly string[]): SpawnSyncReturns<string> {
  const result = spawnSync(client("python"), [script, ...args], {
    encoding: "utf8",
    timeout: 300_000,
  });
  if (result.status !== 0) throw new Error(`${script}: ${result.stdout}${result.stderr}`);
  return result;
}
