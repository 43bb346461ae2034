import { setTimeout as sleep } from "node:timers/promises";
import { CodedError, ValidationError } from "#base/errors.ts";
import { registryErrors } from "./errors.ts";

/** A task that fills a version lets go within this time, or the client is told to come again. */
const PATIENCE_MS = 5000;
const PAUSE_MS = 100;

/**
 * Does work that ends in a version of a repository. A clean-up or deletion that comes between its
 * check and its commit is met with another check.
 *
 * @throws `registryErrors.throttled` if the repository stays busy.
 */
export async function patiently(work: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      const isBusy = error instanceof CodedError && error.status === 429;
      if (!isBusy && !(error instanceof ValidationError)) throw error;
      if (performance.now() > until) throw isBusy ? registryErrors.throttled(1) : error;
      await sleep(PAUSE_MS);
    }
  }
}
