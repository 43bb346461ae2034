/** `2026-01-02T03:04:05Z` → `2026-01-02T03:04:05.000000Z`: six digits always (PEP 700). */
export const isoMicroseconds = (at: string): string =>
  at.includes(".") ? at : at.replace(/Z$/, ".000000Z");

/** The same with an offset for the letter, as Python writes it. */
export const isoOffset = (at: string): string => isoMicroseconds(at).replace(/Z$/, "+00:00");
