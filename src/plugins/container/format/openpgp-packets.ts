import { inflateRawSync, inflateSync } from "node:zlib";

/** Packet types of RFC 9580 §5 that signed messages are made of, or must not hold. */
export const PACKET = {
  signature: 2,
  onePass: 4,
  compressed: 8,
  marker: 10,
  literal: 11,
  padding: 21,
};

export interface Packet {
  readonly type: number;
  readonly body: Buffer;
}

/** Why bytes are no signed OpenPGP message; shown to whoever sent them. */
export class MalformedMessage extends Error {}

const MAX_PACKETS = 32;
const MAX_DEPTH = 2;
/** What is signed is a JSON text of a few hundred bytes. */
const MAX_UNPACKED = 4 * 1024 * 1024;
/** From here on types are unknown to old readers and may be passed over (RFC 9580 §4.3). */
const FIRST_NON_CRITICAL = 40;

/**
 * The packets of a message, with compressed ones opened (RFC 9580 §§4.2, 5.6).
 *
 * @throws `MalformedMessage`
 */
export function packetsOf(bytes: Buffer, depth = 0): readonly Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { packet, end } = packetAt(bytes, at);
    at = end;
    if (packet.type >= FIRST_NON_CRITICAL) continue;
    if (packet.type === PACKET.compressed) packets.push(...unpacked(packet.body, depth));
    else packets.push(packet);
    if (packets.length > MAX_PACKETS) throw new MalformedMessage("It has too many packets.");
  }
  return packets;
}

function unpacked(body: Buffer, depth: number): readonly Packet[] {
  if (depth >= MAX_DEPTH) throw new MalformedMessage("It is compressed too often.");
  const data = body.subarray(1);
  return packetsOf(inflated(byteAt(body, 0), data), depth + 1);
}

/** Uncompressed, ZIP and ZLIB; nobody compresses a signature with BZip2. */
function inflated(algorithm: number, data: Buffer): Buffer {
  const limit = { maxOutputLength: MAX_UNPACKED };
  try {
    if (algorithm === 0) return data;
    if (algorithm === 1) return inflateRawSync(data, limit);
    if (algorithm === 2) return inflateSync(data, limit);
  } catch (error) {
    throw new MalformedMessage(`It cannot be decompressed: ${(error as Error).message}.`);
  }
  throw new MalformedMessage(`It is compressed with algorithm ${algorithm}.`);
}

function packetAt(bytes: Buffer, at: number): { readonly packet: Packet; readonly end: number } {
  const head = byteAt(bytes, at);
  if ((head & 0x80) === 0) throw new MalformedMessage("It is not made of OpenPGP packets.");
  const isOld = (head & 0x40) === 0;
  const type = isOld ? (head >> 2) & 0xf : head & 0x3f;
  const { body, end } = isOld ? oldBody(bytes, at + 1, head & 3) : newBody(bytes, at + 1);
  return { packet: { type, body }, end };
}

interface Body {
  readonly body: Buffer;
  readonly end: number;
}

/** Lengths of one, two or four bytes, or all that follows. */
function oldBody(bytes: Buffer, at: number, kind: number): Body {
  if (kind === 3) return { body: bytes.subarray(at), end: bytes.length };
  const width = 1 << kind;
  return bodyAt(bytes, at + width, uintAt(bytes, at, width));
}

function newBody(bytes: Buffer, start: number): Body {
  const parts: Buffer[] = [];
  let at = start;
  while (byteAt(bytes, at) >= 224 && byteAt(bytes, at) < 255) {
    const part = bodyAt(bytes, at + 1, 2 ** (byteAt(bytes, at) & 0x1f));
    parts.push(part.body);
    at = part.end;
  }
  const { length, width } = lengthAt(bytes, at);
  const last = bodyAt(bytes, at + width, length);
  return parts.length === 0 ? last : { body: Buffer.concat([...parts, last.body]), end: last.end };
}

/** A length of one, two or five bytes (RFC 9580 §4.2.1); subpackets have the same. */
export function lengthAt(bytes: Buffer, at: number, most = 223) {
  const first = byteAt(bytes, at);
  if (first < 192) return { length: first, width: 1 };
  if (first <= most) {
    return { length: ((first - 192) << 8) + byteAt(bytes, at + 1) + 192, width: 2 };
  }
  return { length: uintAt(bytes, at + 1, 4), width: 5 };
}

function bodyAt(bytes: Buffer, at: number, length: number): Body {
  const end = at + length;
  if (end > bytes.length) throw new MalformedMessage("It is cut off.");
  return { body: bytes.subarray(at, end), end };
}

export function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new MalformedMessage("It is cut off.");
  return byte;
}

export function uintAt(bytes: Buffer, at: number, width: number): number {
  if (at + width > bytes.length) throw new MalformedMessage("It is cut off.");
  return bytes.readUIntBE(at, width);
}
