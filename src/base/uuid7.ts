import { randomFillSync } from "node:crypto";

/** 256 ids' worth of randomness at a time: one system call serves many ids. */
const pool = new Uint8Array(2048);
let used = pool.length;

let lastMs = 0;
let counter = 0;

/**
 * A new version 7 UUID, lower-case and dashed: 48 bits of Unix milliseconds, then 12 bits of a
 * counter within the millisecond, so ids of one process never go backwards.
 *
 * @see RFC 9562, section 5.7 and method 1 of section 6.2.
 */
export function uuid7(nowMs: number = Date.now()): string {
  advance(nowMs);
  if (used + 8 > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const time = lastMs.toString(16).padStart(12, "0");
  const sub = (0x7000 | counter).toString(16);
  const hex = Buffer.from(pool.buffer, used, 8).toString("hex");
  used += 8;
  const variant = ((Number.parseInt(hex.slice(0, 1), 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-${sub}-${variant}${hex.slice(1, 4)}-${hex.slice(4)}`;
}

/** When the clock steps back or the counter is spent, the next millisecond is borrowed. */
function advance(nowMs: number): void {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    counter = 0;
    return;
  }
  counter += 1;
  if (counter > 0xfff) {
    lastMs += 1;
    counter = 0;
  }
}

const PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether the text is a UUID in the one spelling that we emit: lower-case and dashed. */
export const isUuid = (text: string): boolean => PATTERN.test(text);
