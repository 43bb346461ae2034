/**
 * Every value of a header, one for each time that it was sent.
 *
 * @param rawHeaders names and values in turn, as Node has received them.
 * @param wanted name, in any case.
 */
export function rawHeaderValues(rawHeaders: readonly string[], wanted: string): string[] {
  const name = wanted.toLowerCase();
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const sent = rawHeaders[at] ?? "";
    if (sent.length === name.length && sent.toLowerCase() === name)
      values.push(rawHeaders[at + 1] ?? "");
  }
  return values;
}
