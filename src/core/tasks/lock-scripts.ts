/** Names of the keys under which operators' tools find locks (core-tasks-ops §8.1). */
export const lockKeys = {
  task: (id: string) => `task:${id}`,
  resource: (name: string) => `pulp:resource_lock:${name}`,
  ownerLocks: (owner: string) => `pulp:owner_locks:${owner}`,
  activeOwners: "pulp:active_owners",
} as const;

/**
 * Shows that an owner has a task and its resources, whatever was there before: the queue has decided
 * that. A shared resource is a set of owners, and every key ends by itself if nobody renews it.
 *
 * Keys: active owners, registry of the owner, exclusive keys, shared keys.
 * Values: owner, seconds, number of exclusive keys.
 */
export const showLocks = {
  name: "show",
  lua: `
    local owner, ttl, exclusive = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
    for i = 3, #KEYS do
      local key = KEYS[i]
      if i < 3 + exclusive then
        redis.call('SET', key, owner, 'EX', ttl)
      else
        local kind = redis.call('TYPE', key).ok
        if kind ~= 'set' and kind ~= 'none' then redis.call('DEL', key) end
        redis.call('SADD', key, owner)
        redis.call('EXPIRE', key, ttl)
      end
      redis.call('SADD', KEYS[2], key)
    end
    redis.call('EXPIRE', KEYS[2], ttl)
    redis.call('SADD', KEYS[1], owner)
    return #KEYS - 2`,
} as const;

/**
 * Takes back everything that an owner shows; what another one shows by now stays.
 *
 * Keys: active owners, registry of the owner. Values: owner.
 */
export const hideLocks = {
  name: "hide",
  lua: `
    local owner, hidden = ARGV[1], 0
    for _, key in ipairs(redis.call('SMEMBERS', KEYS[2])) do
      local kind = redis.call('TYPE', key).ok
      if kind == 'string' and redis.call('GET', key) == owner then
        hidden = hidden + redis.call('DEL', key)
      elseif kind == 'set' then
        hidden = hidden + redis.call('SREM', key, owner)
      end
    end
    redis.call('DEL', KEYS[2])
    redis.call('SREM', KEYS[1], owner)
    return hidden`,
} as const;
