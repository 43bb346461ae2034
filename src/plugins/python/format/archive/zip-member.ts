import { promisify } from "node:util";
import { crc32, inflateRaw, inflateRawSync, type ZlibOptions } from "node:zlib";
import { MAX_METADATA_BYTES, METADATA_TOO_LARGE } from "../core-metadata.ts";
import { Malformed } from "../malformed.ts";
import { type ByteSource, bytesAt } from "./byte-source.ts";
import { shown } from "./member-name.ts";
import { extraFields, widened, ZIP_64, type ZipMember } from "./zip-directory.ts";

const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const DESCRIPTOR = 0x08074b50;
const MAX_DESCRIPTOR_BYTES = 24;
const MAX_EXTRA_BYTES = 0xffff;

const HAS_DESCRIPTOR = 0x0008;
/** Encrypted, with a descriptor, name in UTF-8: in these both headers must agree. */
const MEANINGFUL_FLAGS = 0x0809;

/** What deflate adds at most to data that it cannot make smaller, generously. */
const MAX_PACKED_BYTES = MAX_METADATA_BYTES + 64 * 1024;

/**
 * Unpacks a member of up to 8 MiB, after its local header has been found to say the same as the
 * central directory.
 *
 * @throws `Malformed` if it is larger, differs, is packed in another way, or fails its checksum.
 * @see APPNOTE.TXT §§4.3.7–4.3.9
 */
export async function readZipMember(source: ByteSource, member: ZipMember): Promise<Buffer> {
  if (member.unpackedBytes > MAX_METADATA_BYTES || member.packedBytes > MAX_PACKED_BYTES)
    throw new Malformed(`${shown(member.name)}: ${METADATA_TOO_LARGE}`);
  const { start, limit, nameBytes, packedBytes } = member;
  const most =
    LOCAL_BYTES + nameBytes.length + MAX_EXTRA_BYTES + packedBytes + MAX_DESCRIPTOR_BYTES;
  const length = Math.min(limit - start, most);
  const bytes = await bytesAt(source, { start, length }, `Member ${shown(member.name)}`);
  const dataStart = checkLocalHeader(bytes, member);
  const dataEnd = dataStart + packedBytes;
  if (dataEnd > bytes.length) throw new Malformed("Members of the archive overlap.");
  if (member.flags & HAS_DESCRIPTOR) checkDescriptor(bytes.subarray(dataEnd), member);
  const content = await unpacked(bytes.subarray(dataStart, dataEnd), member);
  if (crc32(content) !== member.crc)
    throw new Malformed(`Member ${shown(member.name)} does not have its checksum.`);
  return content;
}

/** Returns where the data begin. */
function checkLocalHeader(bytes: Buffer, member: ZipMember): number {
  if (bytes.readUInt32LE(0) !== LOCAL)
    throw new Malformed(`Member ${shown(member.name)} is not where the central directory says.`);
  const extraAt = LOCAL_BYTES + bytes.readUInt16LE(26);
  const dataStart = extraAt + bytes.readUInt16LE(28);
  if (dataStart > bytes.length) throw new Malformed("Members of the archive overlap.");
  const extra = extraFields(bytes.subarray(extraAt, dataStart), member.name);
  const sizes = [bytes.readUInt32LE(22), bytes.readUInt32LE(18)];
  const [unpackedBytes = 0, packedBytes = 0] = widened(sizes, extra.get(ZIP_64), member.name);
  // Sizes that a descriptor gives are not known when the header is written.
  const isLeft = (value: number) => value === 0 && (member.flags & HAS_DESCRIPTOR) !== 0;
  const crc = bytes.readUInt32LE(14);
  const agrees =
    bytes.subarray(LOCAL_BYTES, extraAt).equals(member.nameBytes) &&
    ((bytes.readUInt16LE(6) ^ member.flags) & MEANINGFUL_FLAGS) === 0 &&
    bytes.readUInt16LE(8) === member.method &&
    (crc === member.crc || isLeft(crc)) &&
    (unpackedBytes === member.unpackedBytes || isLeft(unpackedBytes)) &&
    (packedBytes === member.packedBytes || isLeft(packedBytes));
  if (!agrees) throw new Malformed(`The two headers of member ${shown(member.name)} do not agree.`);
  return dataStart;
}

/** With or without a signature, and with sizes of four or of eight bytes. */
function checkDescriptor(bytes: Buffer, member: ZipMember): void {
  const expected = [false, true].flatMap((isWide) => {
    const plain = descriptorOf(member, isWide);
    const signature = Buffer.alloc(4);
    signature.writeUInt32LE(DESCRIPTOR);
    return [plain, Buffer.concat([signature, plain])];
  });
  if (!expected.some((each) => bytes.subarray(0, each.length).equals(each)))
    throw new Malformed(`The data descriptor of member ${shown(member.name)} does not agree.`);
}

function descriptorOf(member: ZipMember, isWide: boolean): Buffer {
  const bytes = Buffer.alloc(isWide ? 20 : 12);
  bytes.writeUInt32LE(member.crc);
  if (isWide) {
    bytes.writeBigUInt64LE(BigInt(member.packedBytes), 4);
    bytes.writeBigUInt64LE(BigInt(member.unpackedBytes), 12);
  } else {
    bytes.writeUInt32LE(member.packedBytes, 4);
    bytes.writeUInt32LE(member.unpackedBytes, 8);
  }
  return bytes;
}

async function unpacked(data: Buffer, member: ZipMember): Promise<Buffer> {
  const content = member.method === 0 ? data : await inflated(data, member);
  if (content.length !== member.unpackedBytes)
    throw new Malformed(`Member ${shown(member.name)} does not unpack to the size that it has.`);
  return content;
}

/** With `info` the result tells how much of the input was used, which the types do not know. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}
type Inflate<Result> = (data: Buffer, options: ZlibOptions) => Result;

const inflateAtOnce = inflateRawSync as unknown as Inflate<Inflated>;
const inflateAside = promisify(inflateRaw) as unknown as Inflate<Promise<Inflated>>;

/** To hand over less to another thread costs more than to unpack it, which takes a millisecond. */
const AT_ONCE_BYTES = 256 * 1024;

async function inflated(data: Buffer, member: ZipMember): Promise<Buffer> {
  if (member.method !== 8)
    throw new Malformed(`Member ${shown(member.name)} is packed by method ${member.method}.`);
  try {
    const options = { maxOutputLength: Math.max(member.unpackedBytes, 1), info: true };
    const isSmall = member.unpackedBytes <= AT_ONCE_BYTES;
    const { buffer, engine } = isSmall
      ? inflateAtOnce(data, options)
      : await inflateAside(data, options);
    if (engine.bytesWritten === data.length) return buffer;
  } catch (cause) {
    throw new Malformed(`Member ${shown(member.name)} does not unpack.`, { cause });
  }
  throw new Malformed(`Member ${shown(member.name)} has data behind its end.`);
}
