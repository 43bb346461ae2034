import { Malformed } from "../malformed.ts";

/** What the records of a PAX header change about the member behind it. */
export interface PaxRecords {
  readonly path?: string;
  readonly sizeBytes?: number;
}

const SPACE = 32;
const NEWLINE = 10;
const EQUALS = 61;
const ZERO = 48;
const MAX_DIGITS = 8;

/**
 * Reads records `<length> <key>=<value>\n`, of which the length counts the whole record.
 *
 * @throws `Malformed` if one does not keep to this, if a path or a size stands twice or cannot be,
 *   or if the member is sparse, so that it is not what it seems.
 * @see POSIX.1-2024, pax, "pax Extended Header"
 */
export function readPax(bytes: Buffer): PaxRecords {
  let records: PaxRecords = {};
  let at = 0;
  while (at < bytes.length) {
    const { key, value, end } = recordAt(bytes, at);
    at = end;
    if (key.startsWith("GNU.sparse."))
      throw new Malformed("A member of the tar archive is sparse.");
    if (key === "path") records = { ...records, path: pathOf(value, records) };
    if (key === "size") records = { ...records, sizeBytes: sizeOf(value, records) };
  }
  return records;
}

const BROKEN = "A PAX header of the tar archive is broken.";

function recordAt(bytes: Buffer, at: number): { key: string; value: Buffer; end: number } {
  const { length, space } = lengthAt(bytes, at);
  const end = at + length;
  if (bytes[space] !== SPACE || end > bytes.length || bytes[end - 1] !== NEWLINE)
    throw new Malformed(BROKEN);
  const record = bytes.subarray(space + 1, end - 1);
  const equals = record.indexOf(EQUALS);
  if (equals <= 0) throw new Malformed(BROKEN);
  return { key: record.toString("utf8", 0, equals), value: record.subarray(equals + 1), end };
}

/** Decimal digits, of which the first is not 0, and where they end. */
function lengthAt(bytes: Buffer, at: number): { length: number; space: number } {
  let length = 0;
  for (let space = at; space < at + MAX_DIGITS; space += 1) {
    const digit = (bytes[space] ?? 0) - ZERO;
    if (digit < 0 || digit > 9 || (length === 0 && digit === 0)) return { length, space };
    length = length * 10 + digit;
  }
  throw new Malformed(BROKEN);
}

function pathOf(value: Buffer, { path }: PaxRecords): string {
  if (path !== undefined || value.length === 0 || value.includes(0)) throw new Malformed(BROKEN);
  return value.toString("utf8");
}

function sizeOf(value: Buffer, { sizeBytes }: PaxRecords): number {
  const text = value.toString("latin1");
  if (sizeBytes !== undefined || !/^\d{1,15}$/.test(text)) throw new Malformed(BROKEN);
  return Number(text);
}
