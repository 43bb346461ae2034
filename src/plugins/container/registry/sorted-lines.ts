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

/**
 * Where the first line begins that comes after the text; the end if none does. Lines are short: to
 * look at their bytes here costs less than a call for each.
 */
function firstAfter(lines: Buffer, after: Buffer): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    let start = (low + high) >>> 1;
    let end = start;
    while (start > low && lines[start - 1] !== NEWLINE) start -= 1;
    while (end < lines.length && lines[end] !== NEWLINE) end += 1;
    if (isAfter(lines.subarray(start, end), after)) high = start;
    else low = end + 1;
  }
  return low;
}

function isAfter(line: Buffer, other: Buffer): boolean {
  for (let at = 0; at < line.length; at += 1) {
    const byte = line[at] ?? 0;
    const than = other[at];
    if (than === undefined) return true;
    if (byte !== than) return byte > than;
  }
  return false;
}
