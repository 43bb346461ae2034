import cluster from "node:cluster";
import { BEAT_MS, type RetireMessage, tellPrimary } from "./cluster-messages.ts";
import type { Recycling } from "./server-environment.ts";

const MEBIBYTE = 1024 * 1024;
const MEMORY_CHECK_MS = 2000;

/** A process of a server that another one started, seen from inside. */
export interface Membership extends Disposable {
  /** One response is over. */
  readonly onAnswered: () => void;
  /** It answers on every address. */
  serves(): void;
  /** Resolves when another process has taken its place. */
  readonly retired: Promise<void>;
}

/**
 * Tells the primary that this process is alive, and when it has done its share.
 *
 * @param recycleMb resident size above which it is replaced; 0 is never
 */
export function joinPrimary(
  { maxRequests, jitter }: Recycling,
  recycleMb: number,
): Membership | undefined {
  if (!cluster.isWorker) return undefined;
  const limit = maxRequests === 0 ? Infinity : maxRequests + Math.round(Math.random() * jitter);
  const retired = Promise.withResolvers<void>();
  let answered = 0;
  let isSpent = false;
  const spend = (why: string) => {
    if (!isSpent) tellPrimary({ kind: "spent", why });
    isSpent = true;
  };
  const checkMemory = () => {
    const usedMb = Math.round(process.memoryUsage.rss() / MEBIBYTE);
    if (usedMb > recycleMb) spend(`it uses ${usedMb} MiB`);
  };
  const timers = [
    setInterval(() => tellPrimary({ kind: "beat" }), BEAT_MS),
    ...(recycleMb > 0 ? [setInterval(checkMemory, MEMORY_CHECK_MS)] : []),
  ];
  for (const timer of timers) timer.unref();
  process.on("message", ({ kind }: RetireMessage) => {
    if (kind === "retire") retired.resolve();
  });
  return {
    onAnswered() {
      answered += 1;
      if (answered >= limit) spend(`it has answered ${answered} requests`);
    },
    serves: () => tellPrimary({ kind: "serving" }),
    retired: retired.promise,
    [Symbol.dispose]() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}
