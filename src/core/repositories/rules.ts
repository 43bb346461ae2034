import type { CountByType, VersionCounts } from "./table.ts";
import type { VersionEdit } from "./types.ts";

/** Units of one type that a version added and removed. */
export interface TypeChange {
  readonly type: string;
  readonly added: number;
  readonly removed: number;
}

/** Counts of a version: those of its predecessor and its own change. */
export function countsAfter(before: VersionCounts, change: readonly TypeChange[]): VersionCounts {
  const present: Record<string, number> = { ...before.present };
  for (const { type, added, removed } of change) {
    present[type] = (present[type] ?? 0) + added - removed;
  }
  return {
    present: withoutZeros(present),
    added: withoutZeros(Object.fromEntries(change.map(({ type, added }) => [type, added]))),
    removed: withoutZeros(Object.fromEntries(change.map(({ type, removed }) => [type, removed]))),
  };
}

const withoutZeros = (counts: CountByType): CountByType =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));

export const isEmptyChange = (change: readonly TypeChange[]): boolean =>
  change.every(({ added, removed }) => added === 0 && removed === 0);

/** An edit in which nothing is both removed and added, and nothing is named twice. */
export function normalEdit(edit: VersionEdit): VersionEdit {
  const add = new Set(edit.add);
  if (edit.remove === "*") return { ...edit, add: [...add] };
  const remove = new Set(edit.remove).difference(add);
  return { ...edit, add: [...add], remove: [...remove] };
}
