/** Names under which workers show what they have (core-tasks-ops §8.1). */

const RESOURCE = "pulp:resource_lock:";
const TASK = "task:";
const SHARED = "shared:";

export const lockKeys = {
  task: (id: string): string => `${TASK}${id}`,
  resource: (name: string): string => `${RESOURCE}${name}`,
  /** Every lock of an owner. */
  registry: (owner: string): string => `pulp:owner_locks:${owner}`,
  activeOwners: "pulp:active_owners",
} as const;

/** What `SCAN` looks for. */
export const lockPatterns = { resource: `${RESOURCE}*`, task: `${TASK}*` } as const;
export type LockKind = keyof typeof lockPatterns;

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** Name of the resource; undefined for other keys. */
export const resourceOf = (key: string): string | undefined =>
  key.startsWith(RESOURCE) ? key.slice(RESOURCE.length) : undefined;

/** Id of the task; undefined for keys that only look so. */
export function taskOf(key: string): string | undefined {
  const id = key.startsWith(TASK) ? key.slice(TASK.length) : "";
  return UUID.test(id) ? id : undefined;
}

/** Id of the task that runs without a process of its own: owners `immediate-<id>`. */
export function immediateOf(owner: string): string | undefined {
  const id = owner.startsWith("immediate-") ? owner.slice("immediate-".length) : "";
  return UUID.test(id) ? id : undefined;
}

/** A task's record of resources, those that it has alone and those that it shares. */
export const resourcesOf = (record: readonly string[]) => ({
  exclusive: record.filter((name) => !name.startsWith(SHARED)),
  shared: record.filter((name) => name.startsWith(SHARED)).map((name) => name.slice(SHARED.length)),
});
