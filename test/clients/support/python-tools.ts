import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { clientsFolder } from "./python.ts";

const tools = join(clientsFolder, "python-tools");

/** Small real packages of both kinds. */
export const pythonPackages = join(tools, "packages");

/** Files of more than a hundred real projects, in several releases each. */
export const pythonCollection = join(clientsFolder, "python-collection", "files");

export interface ToolResult {
  readonly status: number | null;
  /** Of both streams. */
  readonly output: string;
}

export interface ToolOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Environment that has the tool; without it the one that has most of them. */
  readonly environment?: string;
}

/** Runs a tool that publishes or installs packages; a missing one is a failure, never a skip. */
export async function pythonTool(
  name: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<ToolResult> {
  const program = join(clientsFolder, options.environment ?? "python-tools", "bin", name);
  if (!existsSync(program)) {
    throw new Error(`${name} is not installed; run tools/install-clients.sh`);
  }
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { PATH: process.env.PATH ?? "", LANG: "C.UTF-8", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [status, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { status, output: out + err };
}
