import { isUtf8 } from "node:buffer";
import { Malformed } from "./malformed.ts";

/** Header fields and body of a text in the form of a mail (RFC 822). */
export interface Headers {
  /** Name in lower case → values in the order of the text, with their line breaks inside. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** What follows the fields, as it stands; empty if nothing does. */
  readonly body: string;
}

/** Far more than any package has, and few enough to hold. */
const MAX_FIELDS = 100_000;

const [TAB, LF, CR, SPACE, COLON, TILDE] = [9, 10, 13, 32, 58, 126];
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Reads header fields up to a blank line, or up to a line that is no field, which begins the body.
 *
 * Lines end with LF, CR or both; one that begins with white space goes on with the field before.
 * A value that is not UTF-8 is read as Latin-1, and NUL becomes U+FFFD, since no column can hold it.
 *
 * @throws `Malformed` if there are more than 100 000 fields.
 * @see plugin-python §2.5
 */
export function readHeaders(bytes: Buffer): Headers {
  const fields = new Map<string, string[]>();
  let count = 0;
  let at = bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  while (at < bytes.length && !isBreak(bytes[at])) {
    const end = fieldEnd(bytes, at);
    const colon = colonOf(bytes, at, end);
    if (colon > at) {
      count += 1;
      if (count > MAX_FIELDS)
        throw new Malformed(`The metadata has more than ${MAX_FIELDS} header fields.`);
      const name = bytes.toString("latin1", at, colon).toLowerCase();
      const values = fields.get(name);
      const value = textOf(bytes.subarray(colon + 1, end)).replace(/^[ \t]+/, "");
      if (values) values.push(value);
      else fields.set(name, [value]);
    } else if (!isPassedOver(bytes, at)) {
      return { fields, body: textOf(bytes.subarray(at)) };
    }
    at = afterBreak(bytes, end);
  }
  return { fields, body: textOf(bytes.subarray(afterBreak(bytes, at))) };
}

const isBreak = (byte: number | undefined): boolean => byte === LF || byte === CR;

/** End of the line at `at`, and of those that go on with it. */
function fieldEnd(bytes: Buffer, at: number): number {
  let end = at;
  for (;;) {
    while (end < bytes.length && !isBreak(bytes[end])) end += 1;
    const next = afterBreak(bytes, end);
    if (!isBlank(bytes[next])) return end;
    end = next;
  }
}

const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB;

function afterBreak(bytes: Buffer, at: number): number {
  if (bytes[at] === CR && bytes[at + 1] === LF) return at + 2;
  return isBreak(bytes[at]) ? at + 1 : at;
}

/** Where a field's name ends; −1 if what stands there is none. */
function colonOf(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === COLON) return at;
    if (byte <= SPACE || byte > TILDE) return -1;
  }
  return -1;
}

/** Lines that mail programs drop: going on with nothing, without a name, or of an mbox file. */
const isPassedOver = (bytes: Buffer, at: number): boolean =>
  isBlank(bytes[at]) || bytes[at] === COLON || bytes.toString("latin1", at, at + 5) === "From ";

const textOf = (bytes: Buffer): string =>
  bytes.toString(isUtf8(bytes) ? "utf8" : "latin1").replaceAll("\0", "\ufffd");
