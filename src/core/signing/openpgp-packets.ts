import { createHash } from "node:crypto";

/** Numbers of RFC 9580 that keys and signatures of ours use. */
const TAG = { signature: 2, onePass: 4, publicKey: 6, literal: 11, userId: 13 } as const;
const RSA = 1;
const SHA512 = 10;
const SUBPACKET = { created: 2, issuer: 16, hashes: 21, uses: 27, fingerprint: 33 } as const;
/** Certify and sign. */
const USES = 0x03;

export const SIGNATURE_TYPE = { binary: 0x00, certification: 0x13 } as const;

export interface RsaKey {
  /** Big-endian. */
  readonly modulus: Buffer;
  readonly exponent: Buffer;
  readonly createdS: number;
}

/** Fingerprint of a key of version 4, and its last half, by which old clients look for it. */
export interface Issuer {
  /** 20 bytes */
  readonly fingerprint: Buffer;
}

/** Lengths in the forms of RFC 9580 §4.2.1. */
function length(bytes: number): Buffer {
  if (bytes < 192) return Buffer.from([bytes]);
  if (bytes < 8384) return Buffer.from([((bytes - 192) >> 8) + 192, (bytes - 192) & 0xff]);
  return Buffer.concat([Buffer.from([0xff]), uint32(bytes)]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A number with the count of its bits before it. */
function mpi(value: Buffer): Buffer {
  const first = value.findIndex((byte) => byte !== 0);
  const bytes = first < 0 ? Buffer.alloc(0) : value.subarray(first);
  const bits = bytes.length === 0 ? 0 : bytes.length * 8 - Math.clz32(bytes[0] ?? 0) + 24;
  return Buffer.concat([uint16(bits), bytes]);
}

const packet = (tag: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0xc0 | tag]), length(body.length), body]);

const subpacket = (type: number, body: Buffer): Buffer =>
  Buffer.concat([length(body.length + 1), Buffer.from([type]), body]);

const publicKeyBody = ({ modulus, exponent, createdS }: RsaKey): Buffer =>
  Buffer.concat([
    Buffer.from([4]),
    uint32(createdS),
    Buffer.from([RSA]),
    mpi(modulus),
    mpi(exponent),
  ]);

export const publicKeyPacket = (key: RsaKey): Buffer => packet(TAG.publicKey, publicKeyBody(key));

export const userIdPacket = (userId: string): Buffer => packet(TAG.userId, Buffer.from(userId));

/** What is hashed of a key, for its fingerprint and for what is certified about it. */
function hashedKey(key: RsaKey): Buffer {
  const body = publicKeyBody(key);
  return Buffer.concat([Buffer.from([0x99]), uint16(body.length), body]);
}

/** The fingerprint names the key; nothing rests on the strength of its hash. */
export const issuerOf = (key: RsaKey): Issuer => ({
  fingerprint: createHash("sha1").update(hashedKey(key)).digest(),
});

/** What a self-certification is over. */
export function certified(key: RsaKey, userId: string): Buffer {
  const name = Buffer.from(userId);
  return Buffer.concat([hashedKey(key), Buffer.from([0xb4]), uint32(name.length), name]);
}

interface SignatureFacts {
  readonly type: number;
  readonly issuer: Issuer;
  readonly createdS: number;
}

/** The part of a signature packet that is signed along. */
function hashedPart({ type, issuer, createdS }: SignatureFacts): Buffer {
  const ofKey =
    type === SIGNATURE_TYPE.certification
      ? [
          subpacket(SUBPACKET.uses, Buffer.from([USES])),
          subpacket(SUBPACKET.hashes, Buffer.from([SHA512])),
        ]
      : [];
  const subpackets = Buffer.concat([
    subpacket(SUBPACKET.fingerprint, Buffer.concat([Buffer.from([4]), issuer.fingerprint])),
    subpacket(SUBPACKET.created, uint32(createdS)),
    ...ofKey,
  ]);
  return Buffer.concat([
    Buffer.from([4, type, RSA, SHA512]),
    uint16(subpackets.length),
    subpackets,
  ]);
}

/** What the cryptographic signature is over: data, and what is said about the signature. */
export function signedBytes(data: Buffer, facts: SignatureFacts): Buffer {
  const part = hashedPart(facts);
  return Buffer.concat([data, part, Buffer.from([4, 0xff]), uint32(part.length)]);
}

const keyId = ({ fingerprint }: Issuer): Buffer => fingerprint.subarray(-8);

/** @param signature RSASSA-PKCS1-v1_5 with SHA-512 over `signedBytes`. */
export function signaturePacket(
  facts: SignatureFacts,
  { signed, signature }: { readonly signed: Buffer; readonly signature: Buffer },
): Buffer {
  const unhashed = subpacket(SUBPACKET.issuer, keyId(facts.issuer));
  const check = createHash("sha512").update(signed).digest().subarray(0, 2);
  return packet(
    TAG.signature,
    Buffer.concat([hashedPart(facts), uint16(unhashed.length), unhashed, check, mpi(signature)]),
  );
}

/** Tells readers of a message what to hash before they meet the signature. */
export const onePassPacket = (issuer: Issuer): Buffer =>
  packet(
    TAG.onePass,
    Buffer.concat([
      Buffer.from([3, SIGNATURE_TYPE.binary, SHA512, RSA]),
      keyId(issuer),
      Buffer.from([1]),
    ]),
  );

/** Bytes without a name and a date. */
export const literalPacket = (data: Buffer): Buffer =>
  packet(TAG.literal, Buffer.concat([Buffer.from("b\0"), uint32(0), data]));

/** RFC 9580 §6: Base64 in lines, and a check sum that old readers insist on. */
export function armoured(kind: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  const sum = crc24(bytes).toString("base64");
  return [
    `-----BEGIN PGP ${kind}-----`,
    "",
    ...lines,
    `=${sum}`,
    `-----END PGP ${kind}-----`,
    "",
  ].join("\n");
}

function crc24(bytes: Buffer): Buffer {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit += 1) {
      crc <<= 1;
      if (crc & 0x1000000) crc ^= 0x1864cfb;
    }
  }
  return uint32(crc & 0xffffff).subarray(1);
}
