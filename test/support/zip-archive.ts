import { crc32, deflateRawSync } from "node:zlib";

/** What a header says about a member; both have what is left out here from the member itself. */
export interface ZipHeader {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly unpackedBytes: number;
  readonly extra: Buffer;
}

/** A member to write, and what its headers say otherwise than they should. */
export interface ZipFile {
  readonly name: string;
  readonly data: string | Buffer;
  /** 0 stored, 8 deflate. */
  readonly method?: number;
  readonly flags?: number;
  readonly local?: Partial<ZipHeader>;
  readonly central?: Partial<ZipHeader & { readonly offset: number }>;
  /** Bytes behind the data; true for a data descriptor as it should be. */
  readonly descriptor?: true | Buffer;
}

export interface ZipOptions {
  readonly prefix?: Buffer;
  readonly comment?: Buffer;
  /** Offsets count the prefix, too. */
  readonly countsPrefix?: boolean;
  /** Writes the end records of zip64. */
  readonly isWide?: boolean;
  /** Changes the end records, which the comment follows. */
  readonly end?: (end: Buffer) => void;
}

/** Writes a zip archive, right or wrong. */
export function zipArchive(files: readonly ZipFile[], options: ZipOptions = {}): Buffer {
  const { prefix = Buffer.alloc(0), countsPrefix = false } = options;
  const base = countsPrefix ? prefix.length : 0;
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = base;
  for (const file of files) {
    const header = headerOf(file);
    const packed = packedOf(file, header.method);
    const own = { ...header, packedBytes: packed.length };
    const local = Buffer.concat([
      localHeader({ ...own, ...(file.descriptor && NOTHING_YET), ...file.local }),
      packed,
      file.descriptor === true ? descriptorOf(own) : (file.descriptor ?? Buffer.alloc(0)),
    ]);
    centrals.push(centralHeader({ ...own, offset, ...file.central }));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const comment = options.comment ?? Buffer.alloc(0);
  const place = { members: files.length, sizeBytes: directory.length, offset, comment };
  const end = options.isWide ? wideEnd(place) : plainEnd(place);
  options.end?.(end);
  return Buffer.concat([prefix, ...locals, directory, end]);
}

const NOTHING_YET = { crc: 0, packedBytes: 0, unpackedBytes: 0 };

function headerOf(file: ZipFile): Omit<ZipHeader, "packedBytes"> {
  const data = Buffer.from(file.data);
  return {
    name: file.name,
    flags: (file.flags ?? 0) | (file.descriptor ? 8 : 0),
    method: file.method ?? 8,
    crc: crc32(data),
    unpackedBytes: data.length,
    extra: Buffer.alloc(0),
  };
}

const packedOf = ({ data }: ZipFile, method: number): Buffer =>
  method === 8 ? deflateRawSync(Buffer.from(data)) : Buffer.from(data);

function localHeader(header: ZipHeader): Buffer {
  const name = Buffer.from(header.name);
  const bytes = Buffer.alloc(30);
  bytes.writeUInt32LE(0x04034b50, 0);
  bytes.writeUInt16LE(20, 4);
  writeShared(bytes, header, 6);
  bytes.writeUInt16LE(name.length, 26);
  bytes.writeUInt16LE(header.extra.length, 28);
  return Buffer.concat([bytes, name, header.extra]);
}

function centralHeader(header: ZipHeader & { readonly offset: number }): Buffer {
  const name = Buffer.from(header.name);
  const bytes = Buffer.alloc(46);
  bytes.writeUInt32LE(0x02014b50, 0);
  writeShared(bytes, header, 8);
  bytes.writeUInt16LE(name.length, 28);
  bytes.writeUInt16LE(header.extra.length, 30);
  bytes.writeUInt32LE(header.offset, 42);
  return Buffer.concat([bytes, name, header.extra]);
}

/** The part that both headers have. */
function writeShared(bytes: Buffer, header: ZipHeader, at: number): void {
  bytes.writeUInt16LE(header.flags, at);
  bytes.writeUInt16LE(header.method, at + 2);
  bytes.writeUInt32LE(header.crc, at + 8);
  bytes.writeUInt32LE(header.packedBytes, at + 12);
  bytes.writeUInt32LE(header.unpackedBytes, at + 16);
}

function descriptorOf(header: ZipHeader): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(0x08074b50, 0);
  bytes.writeUInt32LE(header.crc, 4);
  bytes.writeUInt32LE(header.packedBytes, 8);
  bytes.writeUInt32LE(header.unpackedBytes, 12);
  return bytes;
}

interface Place {
  readonly members: number;
  readonly sizeBytes: number;
  readonly offset: number;
  readonly comment: Buffer;
}

function plainEnd({ members, sizeBytes, offset, comment }: Place): Buffer {
  const bytes = Buffer.alloc(22);
  bytes.writeUInt32LE(0x06054b50, 0);
  bytes.writeUInt16LE(members, 8);
  bytes.writeUInt16LE(members, 10);
  bytes.writeUInt32LE(sizeBytes, 12);
  bytes.writeUInt32LE(offset, 16);
  bytes.writeUInt16LE(comment.length, 20);
  return Buffer.concat([bytes, comment]);
}

function wideEnd(place: Place): Buffer {
  const bytes = Buffer.alloc(56 + 20);
  bytes.writeUInt32LE(0x06064b50, 0);
  bytes.writeBigUInt64LE(44n, 4);
  bytes.writeBigUInt64LE(BigInt(place.members), 24);
  bytes.writeBigUInt64LE(BigInt(place.members), 32);
  bytes.writeBigUInt64LE(BigInt(place.sizeBytes), 40);
  bytes.writeBigUInt64LE(BigInt(place.offset), 48);
  bytes.writeUInt32LE(0x07064b50, 56);
  bytes.writeBigUInt64LE(BigInt(place.offset + place.sizeBytes), 64);
  bytes.writeUInt32LE(1, 72);
  const full = { members: 0xffff, sizeBytes: 0xffffffff, offset: 0xffffffff };
  return Buffer.concat([bytes, plainEnd({ ...place, ...full })]);
}
