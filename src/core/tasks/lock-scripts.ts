/** Names of the keys under which operators' tools find locks (core-tasks-ops §8.1). */
export const lockKeys = {
  task: (id: string) => `task:${id}`,
  resource: (name: string) => `pulp:resource_lock:${name}`,
  ownerLocks: (owner: string) => `pulp:owner_locks:${owner}`,
  activeOwners: "pulp:active_owners",
  cancel: (id: string) => `pulp:task:cancel:${id}`,
  /** Ours: the tasks with a key of the kind before, so that nobody has to scan for them. */
  canceled: "pulp:canceled_tasks",
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
 * Takes back everything that an owner shows; what another one shows by now stays. With the task that
 * ended goes what was told of its cancellation.
 *
 * Keys: active owners, registry of the owner; then canceled tasks and the cancel key of the task.
 * Values: owner; then the task.
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
    if KEYS[4] and redis.call('DEL', KEYS[4]) == 1 then redis.call('SREM', KEYS[3], ARGV[2]) end
    return hidden`,
} as const;

/** A cancellation is told for so long at most; the key goes with the end of its task. */
const CANCEL_SECONDS = 86_400;

/** Says that a task is to be cancelled. Keys: cancel key, canceled tasks. Values: task. */
export const tellCancel = {
  name: "cancel",
  lua: `
    redis.call('SET', KEYS[1], 'cancel', 'EX', ${CANCEL_SECONDS})
    redis.call('SADD', KEYS[2], ARGV[1])
    return redis.call('EXPIRE', KEYS[2], ${CANCEL_SECONDS})`,
} as const;

/** The tasks have ended. Keys: canceled tasks, then their cancel keys. Values: the tasks. */
export const forgetCancels = {
  name: "forget",
  lua: `
    for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
    return redis.call('SREM', KEYS[1], unpack(ARGV))`,
} as const;
