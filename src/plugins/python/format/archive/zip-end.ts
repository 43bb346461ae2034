import { Malformed } from "../malformed.ts";
import { type ByteSource, bytesAt } from "./byte-source.ts";

/** Where the central directory of a zip archive lies. */
export interface ZipEnd {
  /** Offset of the directory in the file. */
  readonly start: number;
  readonly sizeBytes: number;
  readonly members: number;
  /** Bytes before the archive, which its offsets do not count. */
  readonly base: number;
}

const MAX_MEMBERS = 100_000;
const MAX_DIRECTORY_BYTES = 64 * 1024 * 1024;

const END = Buffer.from("PK\x05\x06");
const END_BYTES = 22;
const LOCATOR = 0x07064b50;
const LOCATOR_BYTES = 20;
const END_64 = 0x06064b50;
const END_64_BYTES = 56;
const MAX_COMMENT_BYTES = 0xffff;

/**
 * Finds the end record, which nothing but its comment follows, and with it the central directory.
 *
 * @throws `Malformed` if there is none, if readers could find different ones, if it spans disks, or
 *   if the directory has more than 100 000 members or 64 MiB.
 * @see APPNOTE.TXT §§4.3.14–4.3.16
 */
export async function readZipEnd(source: ByteSource): Promise<ZipEnd> {
  const length = Math.min(source.sizeBytes, TAIL_BYTES);
  const tailStart = source.sizeBytes - length;
  const tail = await bytesAt(source, { start: tailStart, length }, "The end");
  const at = endIn(tail);
  const end = at >= LOCATOR_BYTES ? wideEnd(tail, at, plainEnd(tail, at)) : plainEnd(tail, at);
  const { sizeBytes, members, recordAt } = end;
  if (members > MAX_MEMBERS)
    throw new Malformed(`The archive has more than ${MAX_MEMBERS} members.`);
  if (sizeBytes > MAX_DIRECTORY_BYTES)
    throw new Malformed("The central directory is larger than 64 MiB.");
  const start = tailStart + recordAt - sizeBytes;
  const base = start - end.offset;
  if (start < 0 || base < 0)
    throw new Malformed("The central directory does not lie before the end of the archive.");
  if (end.recordOffset !== undefined && end.recordOffset + base !== tailStart + recordAt)
    throw new Malformed("The zip64 end record is not where its locator says.");
  return { start, sizeBytes, members, base };
}

/** The largest comment, and the records of zip64 before it. */
const TAIL_BYTES = END_64_BYTES + LOCATOR_BYTES + END_BYTES + MAX_COMMENT_BYTES;

/** Whether a file would be taken for a zip archive by what it ends with. */
export async function endsAsZip(source: ByteSource): Promise<boolean> {
  const length = Math.min(source.sizeBytes, TAIL_BYTES);
  const start = source.sizeBytes - length;
  const tail = await bytesAt(source, { start, length }, "The end");
  return endsIn(tail).some((at) => isExact(tail, at));
}

/** Offset of the one end record in the tail of the file. */
function endIn(tail: Buffer): number {
  const [at, ...others] = endsIn(tail);
  if (at === undefined) throw new Malformed("The file is no zip archive: it has no end record.");
  if (!isExact(tail, at))
    throw new Malformed("The zip archive is cut off, or bytes follow its end record.");
  if (others.some((other) => isExact(tail, other)))
    throw new Malformed("The zip archive has two end records.");
  return at;
}

/** Offsets at which an end record may begin, the last one first. */
function endsIn(tail: Buffer): readonly number[] {
  const found: number[] = [];
  let at = tail.length - END_BYTES;
  while (at >= 0) {
    at = tail.lastIndexOf(END, at);
    if (at < 0) break;
    found.push(at);
    at -= 1;
  }
  return found;
}

/** Whether the comment of the record at an offset ends with the file. */
const isExact = (tail: Buffer, at: number): boolean =>
  at + END_BYTES + tail.readUInt16LE(at + 20) === tail.length;

interface Record {
  readonly members: number;
  readonly sizeBytes: number;
  /** Of the directory, from the beginning of the archive. */
  readonly offset: number;
  /** Place in the tail of the record that ends the directory. */
  readonly recordAt: number;
  /** Where the locator says that the record is. */
  readonly recordOffset?: number;
}

const MANY_DISKS = "The zip archive spans several disks.";

function plainEnd(tail: Buffer, at: number): Record {
  const members = tail.readUInt16LE(at + 10);
  if (tail.readUInt32LE(at + 4) !== 0 || tail.readUInt16LE(at + 8) !== members)
    throw new Malformed(MANY_DISKS);
  return {
    members,
    sizeBytes: tail.readUInt32LE(at + 12),
    offset: tail.readUInt32LE(at + 16),
    recordAt: at,
  };
}

/** The record of zip64, where there is one; both must agree in what both can say. */
function wideEnd(tail: Buffer, at: number, plain: Record): Record {
  const locator = at - LOCATOR_BYTES;
  if (tail.readUInt32LE(locator) !== LOCATOR) return plain;
  const recordAt = locator - END_64_BYTES;
  if (recordAt < 0 || tail.readUInt32LE(recordAt) !== END_64)
    throw new Malformed("The zip64 end record does not stand before its locator.");
  if (wide(tail, recordAt + 4) !== END_64_BYTES - 12)
    throw new Malformed("The zip64 end record has a size that is not known.");
  const isOneDisk = wide(tail, recordAt + 16) === 0 && tail.readUInt32LE(locator + 4) === 0;
  const members = wide(tail, recordAt + 24);
  if (!isOneDisk || tail.readUInt32LE(locator + 16) > 1 || wide(tail, recordAt + 32) !== members)
    throw new Malformed(MANY_DISKS);
  const [sizeBytes, offset] = [wide(tail, recordAt + 40), wide(tail, recordAt + 48)];
  const agrees =
    agree(plain.members, members, 0xffff) &&
    agree(plain.sizeBytes, sizeBytes, 0xffffffff) &&
    agree(plain.offset, offset, 0xffffffff);
  if (!agrees) throw new Malformed("The two end records of the zip archive differ.");
  return { members, sizeBytes, offset, recordAt, recordOffset: wide(tail, locator + 8) };
}

/** Whether a field is that of zip64, or stands for it by being full. */
const agree = (plain: number, value: number, full: number): boolean =>
  plain === full || plain === value;

/** A number of 64 bits; one that is too large for us is larger than any file, too. */
export const wide = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at));
