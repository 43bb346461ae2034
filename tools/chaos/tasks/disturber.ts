import { setTimeout as sleep } from "node:timers/promises";
import type { RedisServer } from "../../../test/clients/support/redis.ts";
import type { Random } from "../random.ts";
import { kill, type Victim } from "../victims.ts";
import type { Fleet, Workers } from "./fleet.ts";

/** How often what was done. */
export type Done = Map<string, number>;

export interface Disturbance {
  readonly random: Random;
  readonly redis: RedisServer | undefined;
  /** Between two turns; a turn kills, unless the machine cannot start workers as fast as they die. */
  readonly everyMs: number;
  /** Workers that there should be. */
  readonly size: number;
}

/** Every so many turns, something also happens to Redis. */
const REDIS_EVERY = 5;
/** Below this share of workers that run tasks, their starts are waited for. */
const LEAST_AT_WORK = 0.5;
const HANG_MS = 2500;

/**
 * Kills a worker that is at work, or the process of a task, every so often, and starts the workers
 * again, until the signal.
 */
export async function disturb(
  fleet: Fleet,
  { random, redis, everyMs, size }: Disturbance,
  signal: AbortSignal,
): Promise<Done> {
  const done: Done = new Map();
  const count = (what: string) => done.set(what, (done.get(what) ?? 0) + 1);
  for (let turn = 1; !signal.aborted; turn += 1) {
    const dueMs = performance.now() + everyMs;
    const atWork = (await fleet.workers()).filter(({ children }) => children.length > 0);
    if (atWork.length < Math.max(1, LEAST_AT_WORK * size)) count("turns without a kill");
    else {
      const victim = choose(atWork, random);
      kill(victim);
      count(victim.kind);
    }
    if (redis && turn % REDIS_EVERY === 0) count(await disturbRedis(redis, random));
    await sleep(Math.max(0, dueMs - performance.now()), undefined, { signal }).catch(
      () => undefined,
    );
    fleet.refill();
  }
  return done;
}

/** As often a worker as the process of a task. */
function choose(workers: readonly Workers[], random: Random): Victim {
  const { supervisor, children } = random.pick(workers);
  return random.below(2) === 0
    ? { kind: "task child", pids: [random.pick(children)] }
    : { kind: "worker", pids: [supervisor] };
}

async function disturbRedis(redis: RedisServer, random: Random): Promise<string> {
  switch (random.below(3)) {
    case 0:
      await redis.client.send("FLUSHALL");
      return "redis flushed";
    case 1:
      redis.signal("SIGSTOP");
      await sleep(HANG_MS);
      redis.signal("SIGCONT");
      return "redis hung";
    default:
      await redis.stop();
      await redis.start();
      return "redis restarted";
  }
}
