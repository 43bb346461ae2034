import { setTimeout as sleep } from "node:timers/promises";
import { CodedError } from "#base/errors.ts";
import { SettingsError } from "#platform/config/load.ts";

/** How long a reader of the output may take, who may have gone. */
const PATIENCE_MS = 5000;

/**
 * Runs a program and ends the process with its code. What we mean to say is one sentence per line on
 * standard error; anything else is a defect and comes with its stack.
 */
export async function runMain(program: () => Promise<number>): Promise<never> {
  const code = await program().catch(report);
  await Promise.all([process.stdout, process.stderr].map(flushed));
  process.exit(code);
}

function report(error: unknown): number {
  process.stderr.write(`${explained(error)}\n`);
  return 1;
}

/** What a person needs to know about an error that ends a program. */
export function explained(error: unknown): string {
  if (error instanceof SettingsError) return error.problems.join("\n");
  if (error instanceof CodedError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Whoever reads slowly has not been given everything yet, and would lose it with the process. */
async function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0) return;
  const written = new Promise<void>((resolve) => void stream.write("", () => resolve()));
  await Promise.race([written, sleep(PATIENCE_MS)]);
}
