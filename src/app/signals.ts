/** Signals of one key press reach us twice or thrice: from the terminal and from each wrapper. */
const SAME_MS = 1000;

export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** How a process is asked to stop. */
export interface StopRequest {
  /** Resolves with the first signal. */
  readonly first: Promise<StopSignal>;
  /** Resolves with a further one, at least a second later. */
  readonly second: Promise<StopSignal>;
}

/** Takes over the signals of this process. */
export function onStop(): StopRequest {
  const first = Promise.withResolvers<StopSignal>();
  const second = Promise.withResolvers<StopSignal>();
  let firstAt: number | undefined;
  const receive = (signal: StopSignal) => {
    firstAt ??= performance.now();
    if (performance.now() - firstAt >= SAME_MS) second.resolve(signal);
    else first.resolve(signal);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, receive);
  return { first: first.promise, second: second.promise };
}
