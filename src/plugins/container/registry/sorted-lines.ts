const NEWLINE = 10;

/**
 * Lines after a text, in order.
 *
 * @param lines sorted by their bytes, each with a line feed at its end
 * @param after need not be one of them; of UTF-8 text the order of bytes is that of code points
 */
export function linesAfter(lines: Buffer, after: string, limit: number): readonly string[] {
  const found: string[] = [];
  let start = firstAfter(lines, Buffer.from(after));
  while (found.length < limit && start < lines.length) {
    const end = lines.indexOf(NEWLINE, start);
    found.push(lines.toString("utf8", start, end));
    start = end + 1;
  }
  return found;
}

/** Where the first line begins that comes after the text; the end if none does. */
function firstAfter(lines: Buffer, after: Buffer): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = middle === 0 ? 0 : lines.lastIndexOf(NEWLINE, middle - 1) + 1;
    const end = lines.indexOf(NEWLINE, middle);
    if (lines.compare(after, 0, after.length, start, end) > 0) high = start;
    else low = end + 1;
  }
  return low;
}
