import type { Ctx } from "#sdk";
import { type LockKind, lockPatterns, resourceOf, taskOf } from "./lock-keys.ts";

export type Redis = NonNullable<Ctx["redis"]>;

/** A lock as it is shown. */
export interface ShownLock {
  readonly key: string;
  /** A string is of one owner, a set of those who share it; nothing shows what nobody has. */
  readonly kind: "string" | "set" | "none";
  readonly holders: readonly string[];
  /** Seconds until it ends by itself; -1 is never, null is gone. */
  readonly ttl: number | null;
}

/** Keys: locks. Answers type, seconds and holders of each. */
const describe = {
  name: "describe locks",
  lua: `
    local found = {}
    for i, key in ipairs(KEYS) do
      local kind, holders = redis.call('TYPE', key).ok, {}
      if kind == 'string' then holders = { redis.call('GET', key) } end
      if kind == 'set' then holders = redis.call('SMEMBERS', key) end
      found[i] = { kind, redis.call('TTL', key), holders }
    end
    return found`,
} as const;

/** Locks by their keys, in the order of the keys. */
export async function readLocks(
  redis: Redis,
  keys: readonly string[],
): Promise<readonly ShownLock[]> {
  if (keys.length === 0) return [];
  const found = (await redis.run(describe, keys, [])) as readonly (readonly unknown[])[];
  return keys.map((key, index) => {
    const [kind, ttl, holders] = found[index] ?? [];
    return {
      key,
      kind: kind === "string" || kind === "set" ? kind : "none",
      holders: (holders as readonly unknown[]).map(String),
      ttl: Number(ttl) === -2 ? null : Number(ttl),
    };
  });
}

/** Most looks at the keys for one page: a server may hold little else than other keys. */
const MOST_SCANS = 200;

export interface KeyPage {
  readonly keys: readonly string[];
  /** Where to go on; `0` is the end. */
  readonly cursor: string;
}

/**
 * The keys of about so many locks. A lock that is there all the time is found in one page at least;
 * pages may hold a few more than wanted.
 */
export async function scanLocks(
  redis: Redis,
  kind: LockKind,
  { cursor, wanted, each = wanted }: { cursor: string; wanted: number; each?: number },
): Promise<KeyPage> {
  const isLock = kind === "task" ? taskOf : resourceOf;
  const keys = new Set<string>();
  let at = cursor;
  for (let looks = 0; looks < MOST_SCANS; looks += 1) {
    const words = ["SCAN", at, "MATCH", lockPatterns[kind], "COUNT", String(Math.max(10, each))];
    const [next, found] = (await redis.send(...words)) as readonly [unknown, readonly unknown[]];
    for (const key of found.map(String)) if (isLock(key) !== undefined) keys.add(key);
    at = String(next);
    if (at === "0" || keys.size >= wanted) break;
  }
  return { keys: [...keys], cursor: at };
}
