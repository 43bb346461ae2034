import { setTimeout as sleep } from "node:timers/promises";
import { CodedError } from "#base/errors.ts";
import type { RemoteSession } from "./types.ts";

/** What asks: a remote that is opened, or a lease of one. */
export type Asker = Pick<RemoteSession, "get" | "maxRetries">;

export type UpstreamAnswer = Awaited<ReturnType<RemoteSession["get"]>>;

export interface UpstreamQuestion {
  readonly url: string;
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface AnswerReader<Answer> {
  /** Gets answers below 500 but 429; the body is destroyed when it returns. */
  read(answer: UpstreamAnswer): Promise<Answer>;
  /** The error for an upstream that is busy or broken. */
  refusal(answer: UpstreamAnswer): Error;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Asks an upstream and reads its answer. Failures that may pass are tried again, from the start:
 * connections that break, time-outs, 429 and 5xx. Before the next try the session waits as long as
 * `Retry-After` says.
 *
 * @throws a `PLPnnnn` error, the refusal, or what `read` throws.
 */
export async function askUpstream<Answer>(
  remote: Asker,
  { url, method = "GET", headers = {}, signal }: UpstreamQuestion,
  { read, refusal }: AnswerReader<Answer>,
): Promise<Answer> {
  for (let attempt = 0; ; attempt += 1) {
    let isBusy = false;
    try {
      const answer = await remote.get(url, { method, headers, signal });
      try {
        isBusy = answer.status === 429 || answer.status >= 500;
        if (isBusy) throw refusal(answer);
        return await read(answer);
      } finally {
        answer.body.destroy();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (attempt >= remote.maxRetries || !(isBusy || mayPass(error))) throw error;
      const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
      await sleep(Math.random() * longest, undefined, { signal });
    }
  }
}

const PASSING = new Set(["PLP0005", "PLP0027"]);

const mayPass = (error: unknown): boolean => error instanceof CodedError && PASSING.has(error.code);
