/**
 * JSON text of what a task returned; nothing is null.
 *
 * @throws TypeError for what JSON or the database cannot hold: functions, big integers, cycles,
 *   numbers without a value, text with NUL or half characters.
 */
export function resultText(value: unknown): string {
  return JSON.stringify(value ?? null, (key, part: unknown) => {
    refuse(key, part);
    if (typeof part === "string") refuseText(key, part);
    refuseText(key, key);
    return part;
  });
}

function refuse(key: string, part: unknown): void {
  const type = typeof part;
  if (type === "function" || type === "symbol" || type === "bigint") {
    throw new TypeError(`${key || "the value"} is a ${type}`);
  }
  if (type === "number" && !Number.isFinite(part)) {
    throw new TypeError(`${key || "the value"} is ${part}`);
  }
}

function refuseText(key: string, text: string): void {
  if (text.includes("\0") || !text.isWellFormed()) {
    throw new TypeError(`${key || "the value"} has characters that no document may hold`);
  }
}
