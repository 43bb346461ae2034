import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { signingErrors } from "./errors.ts";
import type { SigningService } from "./queries.ts";

const run = promisify(execFile);

/** A hardware token may ask its owner first. */
const LONGEST_MS = 120_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

export interface SignerRun {
  /** File that is signed. */
  readonly file: string;
  /** Added to the environment of the program. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Runs the program of a signing service over a file.
 *
 * @returns what it prints, which has to be a JSON object.
 * @throws `signingErrors.failed` with what it says on its error stream.
 */
export async function runSigner(
  service: Pick<SigningService, "name" | "script" | "fingerprint">,
  { file, env, signal }: SignerRun,
): Promise<Readonly<Record<string, unknown>>> {
  const output = await run(service.script, [file], {
    env: { ...process.env, ...env, PULP_SIGNING_KEY_FINGERPRINT: service.fingerprint },
    timeout: LONGEST_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
    signal,
  }).catch((error: Error & { stderr?: string }) => {
    signal.throwIfAborted();
    throw signingErrors.failed(service.name, (error.stderr || error.message).trim().slice(0, 4000));
  });
  try {
    const told: unknown = JSON.parse(output.stdout);
    if (typeof told === "object" && told !== null) return told as Record<string, unknown>;
  } catch (error) {
    throw signingErrors.failed(service.name, `it printed no JSON (${error}).`);
  }
  throw signingErrors.failed(service.name, "it printed no JSON object.");
}
