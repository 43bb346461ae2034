import { setTimeout as sleep } from "node:timers/promises";
import { CodedError } from "#base/errors.ts";
import type { RemoteSession } from "#sdk";
import { upstreamErrors } from "./errors.ts";
import { shown, type UpstreamAnswer } from "./whole-body.ts";

export interface Question {
  readonly url: string;
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** What asks: a remote that is opened, or a lease of one. */
export type Asker = Pick<RemoteSession, "get" | "maxRetries">;

/**
 * Asks a registry and reads its answer. Failures that may pass are tried again: connections that
 * break, time-outs, 429 and 5xx. Before the next try the session waits as long as `Retry-After` says.
 *
 * @param read gets answers below 500 but 429; the body is destroyed when it returns.
 * @throws a `PLPnnnn` error, `upstreamErrors.status`, or what `read` throws.
 */
export async function askRegistry<Answer>(
  remote: Asker,
  { url, method = "GET", headers = {}, signal }: Question,
  read: (answer: UpstreamAnswer) => Promise<Answer>,
): Promise<Answer> {
  for (let attempt = 0; ; attempt += 1) {
    let isBusy = false;
    try {
      const answer = await remote.get(url, { method, headers, signal });
      try {
        isBusy = answer.status === 429 || answer.status >= 500;
        if (isBusy) throw statusError(answer);
        return await read(answer);
      } finally {
        answer.body.destroy();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (attempt >= remote.maxRetries || !(isBusy || mayPass(error))) throw error;
      await sleep(Math.random() * Math.min(60_000, 1000 * 2 ** attempt), undefined, { signal });
    }
  }
}

/** That the answer is not what was asked for. */
export const statusError = ({ status, reason, url }: UpstreamAnswer): CodedError =>
  upstreamErrors.status(status, reason, shown(url));

const PASSING = new Set(["PLP0005", "PLP0027"]);

const mayPass = (error: unknown): boolean => error instanceof CodedError && PASSING.has(error.code);
