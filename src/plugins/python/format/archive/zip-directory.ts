import { Malformed } from "../malformed.ts";
import { type ByteSource, bytesAt } from "./byte-source.ts";
import { checkMemberName, MAX_NAME_LENGTH, shown } from "./member-name.ts";
import { readZipEnd, wide, type ZipEnd } from "./zip-end.ts";

/** A file in a zip archive, as the central directory has it. */
export interface ZipMember {
  readonly name: string;
  readonly nameBytes: Buffer;
  readonly flags: number;
  /** 0 stored, 8 deflate. */
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly unpackedBytes: number;
  /** Offset of its local header in the file. */
  readonly start: number;
  /** Offset at which what comes after it begins. */
  readonly limit: number;
}

type Entry = Omit<ZipMember, "limit">;

const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
/** Encrypted, strongly encrypted, and with a masked header. */
const ENCRYPTED = 0x2041;
const UTF8 = 0x0800;
const FULL = 0xffffffff;

/** One entry has 193 KiB at most. */
const LARGEST_ENTRY_BYTES = ENTRY_BYTES + 3 * 0xffff;
const WINDOW_BYTES = 1024 * 1024;

/**
 * Reads the central directory, and checks that all readers would see the same members in it.
 *
 * @returns the files that are wanted, in the order of the directory.
 * @throws `Malformed` if it contradicts itself, if members overlap, share a name, lead out of the
 *   archive or are encrypted, or if another kind of archive begins the file.
 * @see APPNOTE.TXT §4.3.12
 */
export async function readZipDirectory(
  source: ByteSource,
  isWanted: (name: string) => boolean,
): Promise<readonly ZipMember[]> {
  const end = await readZipEnd(source);
  const wanted: Entry[] = [];
  const names = new Set<string>();
  const spans: Span[] = [];
  for await (const entry of entriesOf(source, end)) {
    checkMemberName(entry.name);
    if (entry.flags & ENCRYPTED) throw new Malformed(`Member ${shown(entry.name)} is encrypted.`);
    const isFolder = entry.name.endsWith("/");
    if (!isFolder && names.has(entry.name))
      throw new Malformed(`The archive has two members ${shown(entry.name)}.`);
    names.add(entry.name);
    spans.push({ start: entry.start, end: leastEnd(entry) });
    if (!isFolder && isWanted(entry.name)) wanted.push(entry);
  }
  const starts = disjointStarts(spans, end.start);
  await refuseOtherArchive(source, starts[0] ?? end.start);
  return wanted.map((entry) => ({ ...entry, limit: nextStart(starts, entry.start) ?? end.start }));
}

/** Local header and data; extra fields and a descriptor may come on top. */
const leastEnd = (entry: Entry): number =>
  entry.start + LOCAL_BYTES + entry.nameBytes.length + entry.packedBytes;

/** Entries are read by the window, so that a large directory is not held. */
async function* entriesOf(source: ByteSource, end: ZipEnd): AsyncGenerator<Entry> {
  const directoryEnd = end.start + end.sizeBytes;
  let window: Buffer = Buffer.alloc(0);
  let windowStart = end.start;
  let at = 0;
  for (let index = 0; index < end.members; index += 1) {
    const isLast = windowStart + window.length === directoryEnd;
    if (!isLast && window.length - at < LARGEST_ENTRY_BYTES) {
      windowStart += at;
      at = 0;
      const length = Math.min(WINDOW_BYTES, directoryEnd - windowStart);
      window = await bytesAt(source, { start: windowStart, length }, "The central directory");
    }
    const { entry, next } = readEntry(window, at, end.base);
    yield entry;
    at = next;
  }
  if (windowStart + at !== directoryEnd)
    throw new Malformed("The central directory is longer than its members.");
}

const CUT_OFF = "The central directory is shorter than its members.";

function readEntry(bytes: Buffer, at: number, base: number): { entry: Entry; next: number } {
  if (bytes.length - at < ENTRY_BYTES) throw new Malformed(CUT_OFF);
  if (bytes.readUInt32LE(at) !== ENTRY)
    throw new Malformed("The central directory has something else between its members.");
  const nameAt = at + ENTRY_BYTES;
  const extraAt = nameAt + bytes.readUInt16LE(at + 28);
  const commentAt = extraAt + bytes.readUInt16LE(at + 30);
  const next = commentAt + bytes.readUInt16LE(at + 32);
  if (next > bytes.length) throw new Malformed(CUT_OFF);
  const nameBytes = Buffer.from(bytes.subarray(nameAt, extraAt));
  const flags = bytes.readUInt16LE(at + 8);
  if (nameBytes.length > MAX_NAME_LENGTH)
    throw new Malformed(`A member's name is longer than ${MAX_NAME_LENGTH} bytes.`);
  const name = nameBytes.toString(flags & UTF8 ? "utf8" : "latin1");
  const extra = extraFields(bytes.subarray(extraAt, commentAt), name);
  const [unpackedBytes = 0, packedBytes = 0, offset = 0] = widened(
    [bytes.readUInt32LE(at + 24), bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 42)],
    extra.get(ZIP_64),
    name,
  );
  const disk = bytes.readUInt16LE(at + 34);
  if (disk !== 0 && disk !== 0xffff) throw new Malformed("The zip archive spans several disks.");
  refuseOtherName(extra.get(UNICODE_NAME), nameBytes, name);
  const method = bytes.readUInt16LE(at + 10);
  const crc = bytes.readUInt32LE(at + 16);
  const start = base + offset;
  return {
    entry: { name, nameBytes, flags, method, crc, packedBytes, unpackedBytes, start },
    next,
  };
}

export const ZIP_64 = 0x0001;
const UNICODE_NAME = 0x7075;

/**
 * Extra fields by their number.
 *
 * @throws `Malformed` if one is cut off, or if one that changes the meaning stands twice.
 */
export function extraFields(bytes: Buffer, name: string): ReadonlyMap<number, Buffer> {
  const fields = new Map<number, Buffer>();
  let at = 0;
  // Some tools fill up with less than a header.
  while (at + 4 <= bytes.length) {
    const id = bytes.readUInt16LE(at);
    const end = at + 4 + bytes.readUInt16LE(at + 2);
    if (end > bytes.length || (fields.has(id) && (id === ZIP_64 || id === UNICODE_NAME)))
      throw new Malformed(`The extra fields of member ${shown(name)} are broken.`);
    fields.set(id, bytes.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** Numbers that are full stand in the field of zip64, in their order. */
export function widened(
  numbers: readonly number[],
  field: Buffer | undefined,
  name: string,
): readonly number[] {
  let at = 0;
  return numbers.map((number) => {
    if (number !== FULL) return number;
    if (field === undefined || at + 8 > field.length)
      throw new Malformed(`The zip64 sizes of member ${shown(name)} are missing.`);
    at += 8;
    return wide(field, at - 8);
  });
}

/** Some readers take the name from an extra field, so it must be the same one. */
function refuseOtherName(field: Buffer | undefined, nameBytes: Buffer, name: string): void {
  if (field === undefined || field.subarray(5).equals(nameBytes)) return;
  const isAscii = nameBytes.every((byte) => byte < 128);
  const other = field.toString("utf8", 5);
  if (isAscii || /(?:METADATA|PKG-INFO)$/.test(other))
    throw new Malformed(`Member ${shown(name)} is also called ${shown(other)}.`);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where members start, in the order of the file. */
function disjointStarts(spans: readonly Span[], directoryStart: number): Float64Array {
  const sorted = spans.toSorted((a, b) => a.start - b.start);
  for (const [index, { end }] of sorted.entries()) {
    if (end > (sorted[index + 1]?.start ?? directoryStart))
      throw new Malformed("Members of the archive overlap.");
  }
  return Float64Array.from(sorted, ({ start }) => start);
}

const nextStart = (starts: Float64Array, start: number): number | undefined =>
  starts[starts.indexOf(start) + 1];

const BLOCK_BYTES = 512;

/** Data may stand before a zip archive, but no other archive, which some readers would open. */
async function refuseOtherArchive(source: ByteSource, firstStart: number): Promise<void> {
  const length = Math.min(BLOCK_BYTES, source.sizeBytes);
  const head = await bytesAt(source, { start: 0, length }, "The beginning");
  const isTar = head.toString("latin1", 257, 262) === "ustar";
  const begins = ["PK\x03\x04", "PK\x05\x06", "\x1f\x8b", "BZh", "\xfd7zXZ", "7z\xbc\xaf"];
  const text = head.toString("latin1");
  if (isTar || (firstStart > 0 && begins.some((magic) => text.startsWith(magic))))
    throw new Malformed("Another archive begins before the zip archive.");
}
