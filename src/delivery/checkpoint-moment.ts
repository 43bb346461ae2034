/** The second that a checkpoint path names. */
export interface CheckpointMoment {
  /** `20260812T093000Z` */
  readonly name: string;
  /** First instant after that second, ISO 8601. */
  readonly before: string;
  /** What follows the name and its slash. */
  readonly rest: string;
}

const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z(?:\/|$)/;

/**
 * Reads the first segment of a path below a checkpoint distribution (core-content §5.9).
 *
 * @returns undefined unless it is a date that exists and has begun.
 */
export function checkpointMoment(path: string, nowMs: number): CheckpointMoment | undefined {
  const [, ...digits] = NAME.exec(path) ?? [];
  const [year, month, day, hour, minute, second] = digits.map(Number);
  if (year === undefined || month === undefined) return undefined;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const name = path.slice(0, 16);
  if (checkpointName(new Date(ms).toISOString()) !== name || ms > nowMs) return undefined;
  return { name, before: new Date(ms + 1000).toISOString(), rest: path.slice(17) };
}

/** `2026-08-12T09:30:00.123456Z` → `20260812T093000Z` */
export const checkpointName = (timestamp: string): string =>
  `${timestamp.slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
