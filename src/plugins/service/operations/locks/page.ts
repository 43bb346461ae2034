import { type KeyPage, type Redis, scanLocks } from "./read-locks.ts";

export type ScanType = "resource" | "task" | "all";

export interface LockPage {
  readonly keys: readonly string[];
  /** What a client gives back to go on; `0` is the end. */
  readonly next: string;
}

/**
 * A page of locks. With `all`, those of resources come first and then those of tasks, each with a
 * cursor of its own: the number that clients give back is twice the cursor, and odd for tasks.
 *
 * @param cursor digits
 */
export async function lockPage(
  redis: Redis,
  {
    cursor,
    size,
    type,
  }: { readonly cursor: string; readonly size: number; readonly type: ScanType },
): Promise<LockPage> {
  if (type !== "all") {
    const page = await scanLocks(redis, type, { cursor, wanted: size });
    return { keys: page.keys, next: page.cursor };
  }
  const at = BigInt(cursor);
  const inner = String(at >> 1n);
  if (at % 2n === 1n) return tasks(redis, { cursor: inner, wanted: size, before: [] });
  const page = await scanLocks(redis, "resource", { cursor: inner, wanted: size });
  if (page.cursor !== "0") return { keys: page.keys, next: String(BigInt(page.cursor) << 1n) };
  const left = size - page.keys.length;
  if (left <= 0) return { keys: page.keys, next: "1" };
  return tasks(redis, { cursor: "0", wanted: left, before: page.keys });
}

async function tasks(
  redis: Redis,
  { cursor, wanted, before }: { cursor: string; wanted: number; before: KeyPage["keys"] },
): Promise<LockPage> {
  const page = await scanLocks(redis, "task", { cursor, wanted });
  const next = page.cursor === "0" ? "0" : String((BigInt(page.cursor) << 1n) | 1n);
  return { keys: [...before, ...page.keys], next };
}
