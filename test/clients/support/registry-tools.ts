import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { clientsFolder } from "./python.ts";
import type { ToolResult } from "./python-tools.ts";

const FROM_DISTRIBUTION = new Set(["buildah", "flatpak", "podman", "skopeo", "tar"]);

/** Where a client of registries is; a missing one is a failure, never a skip. */
export function registryProgram(name: string): string {
  const path = FROM_DISTRIBUTION.has(name)
    ? join("/usr/bin", name)
    : join(clientsFolder, "registry", name);
  if (existsSync(path)) return path;
  throw new Error(`${name} is not installed; run tools/install-clients.sh`);
}

export interface ToolOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs a client of registries in a home of its own. */
export async function registryTool(
  name: string,
  args: readonly string[],
  { cwd, env = {}, timeoutMs = 120_000 }: ToolOptions,
): Promise<ToolResult & { readonly stdout: string }> {
  const child = spawn(registryProgram(name), args, {
    cwd,
    env: { PATH: process.env.PATH ?? "", LANG: "C.UTF-8", HOME: cwd, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: timeoutMs,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [status, stdout, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { status, stdout, output: stdout + err };
}
