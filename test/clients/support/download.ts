import { execFile } from "node:child_process";
import type { Outcome } from "./cli.ts";

/** Runs a command line program in a folder; never fails by itself. */
export function command(program: string, args: readonly string[], cwd?: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 256 << 20, encoding: "latin1" as const, ...(cwd ? { cwd } : {}) };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error?.code === "ENOENT") reject(new Error(`${program} is not installed`));
      else resolve({ status: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

/** Status and headers of the last answer that `curl -D -` printed. */
export function head(text: string): { status: number; headers: Readonly<Record<string, string>> } {
  const last =
    text
      .split(/\r\n\r\n/)
      .filter((block) => block.startsWith("HTTP/"))
      .at(-1) ?? "";
  const [first = "", ...lines] = last.split("\r\n");
  const pairs = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { status: Number(first.split(" ")[1]), headers: Object.fromEntries(pairs) };
}
