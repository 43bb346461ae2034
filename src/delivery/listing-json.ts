import type { ListingEntry } from "./listing-entries.ts";

export interface ListingPage {
  readonly limit: number;
  readonly offset: number;
}

/** `limit` (1 to 10 000, default 1 000) and `offset` of a query; bad values become the defaults. */
export const listingPage = (query: URLSearchParams): ListingPage => ({
  limit: Math.min(10_000, Math.max(1, whole(query.get("limit")) ?? 1000)),
  offset: Math.max(0, whole(query.get("offset")) ?? 0),
});

function whole(text: string | null): number | undefined {
  const value = text !== null && /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : undefined;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The flat listing (core-content §5.12). */
export function listingJson(
  path: string,
  { limit, offset }: ListingPage,
  { count, entries }: { readonly count: number; readonly entries: readonly ListingEntry[] },
): string {
  const end = offset + entries.length;
  return JSON.stringify({
    path,
    packages: entries.map(({ name, at, sizeBytes }) => ({
      path: name,
      size: sizeBytes,
      date: at === null ? null : isoDate(at),
    })),
    count,
    limit,
    offset,
    ...(entries.length > 0 && end < count ? { next_offset: end } : {}),
  });
}

/** `…T12:03:32.123456Z` → `…T12:03:32.123456+00:00`, without a fraction of zero. */
const isoDate = (at: string): string => at.replace(/(?:\.0+)?Z$/, "+00:00");
