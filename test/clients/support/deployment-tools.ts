import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { clientsFolder } from "./python.ts";

/** Programs that read what is below `deploy/` as its readers do. */
type Name = "collector" | "compose" | "manifests" | "promtool";

/** Where it is; a missing one is a failure, never a skip. */
export function deploymentProgram(name: Name): string {
  const path = name === "promtool" ? "/usr/bin/promtool" : join(clientsFolder, "deployment", name);
  if (existsSync(path)) return path;
  throw new Error(`${name} is not installed; run tools/install-clients.sh`);
}

export interface ToolRun {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs it to its end. */
export function deploymentTool(name: Name, args: readonly string[], run: ToolRun = {}) {
  const { status, stdout, stderr } = spawnSync(deploymentProgram(name), args, {
    encoding: "utf8",
    timeout: 300_000,
    ...(run.input === undefined ? {} : { input: run.input }),
    env: { PATH: process.env.PATH ?? "", ...run.env },
    maxBuffer: 64 << 20,
  });
  return { code: status, text: `${stdout}${stderr}` };
}
