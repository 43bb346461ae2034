/** A line of a log, and when it was taken down if its source knows. */
export interface LogLine {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly atMs?: number;
}

/** Half open: `fromMs` belongs to it, `toMs` does not. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

export const isWithin = ({ fromMs, toMs }: Period, atMs: number): boolean =>
  atMs >= fromMs && atMs < toMs;

/** Members under which collectors of logs put the line of a container. */
const WRAPPERS = ["message", "log", "msg"];

/** The line itself, where a collector has wrapped it into an object. */
export function unwrapped(text: string): string {
  const line = text.replace(/\r?\n$/, "");
  if (!line.startsWith("{")) return line;
  try {
    const value: Readonly<Record<string, unknown>> = JSON.parse(line);
    const inner =
      value.logger === "access"
        ? undefined
        : WRAPPERS.find((name) => typeof value[name] === "string");
    return inner === undefined ? line : String(value[inner]).replace(/\r?\n$/, "");
  } catch {
    // No object after all: the reader of lines decides.
    return line;
  }
}
