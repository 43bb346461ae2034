import { CodedError } from "#base/errors.ts";
import { SettingsError } from "#platform/config/load.ts";

/**
 * Runs a program and ends the process with its code. What we mean to say is one sentence per line on
 * standard error; anything else is a defect and comes with its stack.
 */
export async function runMain(program: () => Promise<number>): Promise<never> {
  process.exit(await program().catch(report));
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
