const HOUR_MS = 3_600_000;

/** How long upstream has to have a file before it is taken. */
export interface AgeRule {
  /** 0 is no rule. */
  readonly hours: number;
  readonly nowMs: number;
}

/**
 * Why a file is too young to be taken; undefined where it is old enough.
 *
 * @param uploadTime ISO 8601; without it nobody knows, so the file is not taken.
 */
export function ageRefusal(uploadTime: string | null, { hours, nowMs }: AgeRule) {
  if (hours === 0) return undefined;
  const uploadedMs = uploadTime === null ? Number.NaN : Date.parse(uploadTime);
  if (Number.isNaN(uploadedMs)) {
    return `upstream does not tell when it got the file, and only files of ${hours} hours are taken`;
  }
  const dueMs = uploadedMs + hours * HOUR_MS;
  if (dueMs <= nowMs) return undefined;
  const due = new Date(dueMs);
  const when = Number.isNaN(due.getTime()) ? "" : `; it is taken from ${due.toISOString()} on`;
  return `upstream got the file less than ${hours} hours ago${when}`;
}
