import { setTimeout as sleep } from "node:timers/promises";

/** Repeats a check until it holds, for what happens after an answer. */
export async function eventually(
  check: () => Promise<void> | void,
  withinMs = 5000,
): Promise<void> {
  const end = Date.now() + withinMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(20);
    }
  }
}
