import { lockKeys } from "./lock-keys.ts";
import type { Redis } from "./read-locks.ts";

/**
 * Takes owners out of a lock, as long as it is still theirs: what somebody else has taken meanwhile
 * stays. A set that is empty is gone.
 *
 * Keys: the lock, and the registry of each owner. Values: the owners.
 */
const drop = {
  name: "drop lock holders",
  lua: `
    local lock, dropped = KEYS[1], 0
    local kind = redis.call('TYPE', lock).ok
    for i, owner in ipairs(ARGV) do
      if kind == 'string' and redis.call('GET', lock) == owner then
        dropped = dropped + redis.call('DEL', lock)
        kind = 'none'
      elseif kind == 'set' then
        dropped = dropped + redis.call('SREM', lock, owner)
      end
      redis.call('SREM', KEYS[1 + i], lock)
    end
    return dropped`,
} as const;

/** Whether at least one of the owners had it. */
export async function dropHolders(
  redis: Redis,
  key: string,
  owners: readonly string[],
): Promise<boolean> {
  if (owners.length === 0) return false;
  const keys = [key, ...owners.map(lockKeys.registry)];
  return Number(await redis.run(drop, keys, owners)) > 0;
}

/** Owners without a lock are none any more. Keys: active owners, registry. Values: owner. */
const retire = {
  name: "retire lock owner",
  lua: `
    if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
    return redis.call('SREM', KEYS[1], ARGV[1])`,
} as const;

export const retireOwner = async (redis: Redis, owner: string): Promise<void> =>
  void (await redis.run(retire, [lockKeys.activeOwners, lockKeys.registry(owner)], [owner]));
