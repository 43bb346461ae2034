/** What an attempt ended in: a result, or that another attempt may succeed. */
export type Attempt<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | {
      readonly kind: "again";
      /** Thrown when there are no attempts left. */
      readonly error: Error;
      /** What the other side asks to wait, in milliseconds. */
      readonly afterMs?: number;
    };

export interface RetryOptions {
  /** All of them, the first included. */
  readonly attempts: number;
  /** Before the second attempt; it doubles with each. */
  readonly pauseMs: number;
  /** The longest pause, whatever the other side asks for. */
  readonly mostPauseMs: number;
  /** Waits; rejects when nobody waits for the result any more. */
  readonly wait: (ms: number) => Promise<unknown>;
}

/** Tries until a result is there; what an attempt throws is final. */
export async function retried<Result>(
  attempt: () => Promise<Attempt<Result>>,
  { attempts, pauseMs, mostPauseMs, wait }: RetryOptions,
): Promise<Result> {
  for (let n = 1; ; n += 1) {
    const outcome = await attempt();
    if (outcome.kind === "done") return outcome.result;
    if (n >= attempts) throw outcome.error;
    await wait(Math.min(mostPauseMs, Math.max(outcome.afterMs ?? 0, pauseMs * 2 ** (n - 1))));
  }
}
