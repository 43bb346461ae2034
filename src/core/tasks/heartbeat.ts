import { setTimeout as sleep } from "node:timers/promises";
import type { Ctx } from "../ctx.ts";
import { runningHere } from "./immediate.ts";
import {
  type Beat,
  beat,
  beatIntervalMs,
  registerProcesses,
  removeProcesses,
} from "./process-records.ts";
import { endAbandoned } from "./reaper.ts";

/** A failed beat is tried again this soon. */
const RETRY_MS = 1000;
/** Time in which the answer to a dispatch of this process arrives, or never does. */
const ANSWER_SECONDS = 15;

/** Keeps the record of an API or content process; stopping removes it. */
export interface Heartbeat {
  stop(): Promise<void>;
}

/**
 * Registers this process and beats for it. A database that is away or read-only is waited for; the
 * process goes on meanwhile and gets its record back afterwards.
 */
export async function startHeartbeat(ctx: Ctx): Promise<Heartbeat> {
  await registerProcesses(ctx, [ctx.process]);
  const stopping = new AbortController();
  const intervalMs = beatIntervalMs(ctx, ctx.process.kind);
  const loop = (async () => {
    let pauseMs = intervalMs;
    while (!stopping.signal.aborted) {
      await pause(pauseMs, stopping.signal);
      if (stopping.signal.aborted) return;
      pauseMs = (await tryBeat(ctx)) ? intervalMs : Math.min(RETRY_MS, intervalMs);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await loop;
      await removeProcesses(ctx, [ctx.process.id]).catch((error) =>
        ctx.log.warn(`The record of this process could not be removed: ${error}`),
      );
    },
  };
}

async function tryBeat(ctx: Ctx): Promise<boolean> {
  try {
    const answer = await beat(ctx, [ctx.process.id]);
    if (answer.alive.length === 0) await registerProcesses(ctx, [ctx.process]);
    await endUnknown(ctx, answer);
    return true;
  } catch (error) {
    ctx.metrics.count("deckle_heartbeat_failures_total");
    ctx.log.warn(`A heartbeat failed: ${error}`);
    return false;
  }
}

/** A dispatch whose answer was lost left a task that is ours and that nobody runs. */
async function endUnknown(ctx: Ctx, { owned }: Beat): Promise<void> {
  const known = runningHere(ctx);
  const lost = owned.filter(
    ({ task, age_seconds }) => !known.has(task) && age_seconds > ANSWER_SECONDS,
  );
  for (const task of lost) await endAbandoned(ctx, task);
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
