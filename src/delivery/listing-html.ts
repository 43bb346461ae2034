import type { ListingEntry } from "./listing-entries.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};
const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>'"]/g, (character) => ESCAPES[character] ?? character);

/** Besides HTML, what an address would read otherwise; all else stays as clients scrape it. */
const href = (name: string): string => escapeHtml(name.replaceAll(/[%?#\\]/g, encodeURIComponent));

/** Everything before the entries (core-content §5.10). */
export function listingHead(path: string, isRoot: boolean): string {
  const title = `Index of ${escapeHtml(path)}`;
  const parent = isRoot ? "" : '<a href="../">../</a>\n';
  return `
<html>
<head><title>${title}</title></head>
<body bgcolor="white">
<h1>${title}</h1>
<hr><pre>${parent}`;
}

export const LISTING_TAIL = `</pre><hr></body>
</html>
`;

/** One line: link, padding to column 100, date, size. */
export function listingLine({ name, at, sizeBytes }: ListingEntry): string {
  const padding = " ".repeat(Math.max(0, 100 - characters(name)));
  const date = at === null ? "" : listingDate(at);
  const size = sizeBytes === null ? "" : listingSize(sizeBytes);
  return `<a href="./${href(name)}">${escapeHtml(name)}</a>${padding}${date}  ${size}\n`;
}

const characters = (text: string): number => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** `2026-08-12T09:30:00.123456Z` → `12-Aug-2026 09:30` */
export const listingDate = (at: string): string =>
  `${at.slice(8, 10)}-${MONTHS[Number(at.slice(5, 7)) - 1]}-${at.slice(0, 4)} ${at.slice(11, 16)}`;

const UNITS = ["kB", "MB", "GB", "TB", "PB"];

/** `0 Bytes`, `1 Byte`, `12 Bytes`, `1.0 kB`: decimal units. */
export function listingSize(bytes: number): string {
  if (bytes === 1) return "1 Byte";
  if (bytes < 1000) return `${bytes} Bytes`;
  const power = Math.min(UNITS.length, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${UNITS[power - 1]}`;
}
