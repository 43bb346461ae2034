import {
  byteAt,
  lengthAt,
  MalformedMessage,
  PACKET,
  packetsOf,
  uintAt,
} from "./openpgp-packets.ts";

export { MalformedMessage } from "./openpgp-packets.ts";

/** What a signed message says, before anybody has checked its signature. */
export interface SignedMessage {
  /** Upper-case hex, 16 digits. */
  readonly keyId: string;
  /** Upper-case hex; null where the signature does not name it. */
  readonly fingerprint: string | null;
  /** Creation of the signature, seconds since 1970. */
  readonly timestamp: number;
  /** What was signed. */
  readonly literal: Buffer;
}

interface SignatureFacts {
  readonly keyId: string | null;
  readonly fingerprint: string | null;
  readonly timestamp: number | null;
}

/**
 * Reads a signed, unencrypted OpenPGP message (RFC 9580 §10.3): versions 3 to 6, whatever the
 * algorithm, since no key is needed to read. Several signatures count as the first of them.
 *
 * @throws `MalformedMessage` with a sentence that says why it is none.
 */
export function readSignedMessage(bytes: Buffer): SignedMessage {
  const packets = packetsOf(bytes).filter(({ type }) => !PASSED_OVER.has(type));
  const strange = packets.find(({ type }) => !EXPECTED.has(type));
  if (strange) throw new MalformedMessage(`It holds a packet of type ${strange.type}.`);
  const literals = packets.filter(({ type }) => type === PACKET.literal);
  const [signature] = packets.filter(({ type }) => type === PACKET.signature);
  const [literal] = literals;
  if (!signature) throw new MalformedMessage("It is not signed.");
  if (!literal || literals.length > 1) throw new MalformedMessage("It has not one literal text.");
  const { keyId, fingerprint, timestamp } = signatureFacts(signature.body);
  if (keyId === null) throw new MalformedMessage("Its signature names no key.");
  if (timestamp === null) throw new MalformedMessage("Its signature has no creation time.");
  return { keyId, fingerprint, timestamp, literal: literalData(literal.body) };
}

const PASSED_OVER = new Set([PACKET.marker, PACKET.padding]);
const EXPECTED = new Set([PACKET.signature, PACKET.onePass, PACKET.literal]);

/** Format, name with its length, date, and then the text (RFC 9580 §5.9). */
function literalData(body: Buffer): Buffer {
  const start = 2 + byteAt(body, 1) + 4;
  if (start > body.length) throw new MalformedMessage("It is cut off.");
  return body.subarray(start);
}

function signatureFacts(body: Buffer): SignatureFacts {
  const version = byteAt(body, 0);
  if (version === 3) {
    requireDocument(byteAt(body, 2));
    const keyId = hex(body.subarray(7, 15));
    return { keyId, fingerprint: null, timestamp: uintAt(body, 3, 4) };
  }
  if (version < 4 || version > 6) {
    throw new MalformedMessage(`Its signature has the version ${version}.`);
  }
  requireDocument(byteAt(body, 1));
  const width = version === 6 ? 4 : 2;
  const hashed = areaAt(body, 4, width);
  const unhashed = areaAt(body, hashed.end, width);
  // Only what is hashed is signed; the issuer may stand in either, and is checked by whoever verifies.
  return [hashed, unhashed]
    .flatMap(({ area }, index) =>
      [...subpackets(area)].map((one) => ({ ...one, isHashed: index === 0 })),
    )
    .reduce<SignatureFacts>(withSubpacket, { keyId: null, fingerprint: null, timestamp: null });
}

/** Signatures of a document as bytes or as text; others are about keys. */
function requireDocument(type: number): void {
  if (type > 1) throw new MalformedMessage("Its signature is not one of a document.");
}

const SUBPACKET = { created: 2, issuer: 16, fingerprint: 33 };

function withSubpacket(
  facts: SignatureFacts,
  { type, data, isHashed }: Subpacket & { readonly isHashed: boolean },
): SignatureFacts {
  switch (type) {
    case SUBPACKET.created:
      return isHashed ? { ...facts, timestamp: uintAt(data, 0, 4) } : facts;
    case SUBPACKET.issuer:
      return { ...facts, keyId: facts.keyId ?? hex(data) };
    case SUBPACKET.fingerprint:
      return { ...facts, ...issuerOf(data) };
    default:
      return facts;
  }
}

/** A key of version 4 is known by the end of its fingerprint, younger ones by its beginning. */
function issuerOf(data: Buffer): Pick<SignatureFacts, "keyId" | "fingerprint"> {
  const fingerprint = hex(data.subarray(1));
  if (fingerprint.length !== 40 && fingerprint.length !== 64) {
    throw new MalformedMessage("Its signature names a fingerprint of a wrong length.");
  }
  const isOld = byteAt(data, 0) === 4;
  return { fingerprint, keyId: isOld ? fingerprint.slice(-16) : fingerprint.slice(0, 16) };
}

interface Subpacket {
  readonly type: number;
  readonly data: Buffer;
}

function* subpackets(area: Buffer): Generator<Subpacket> {
  for (let at = 0; at < area.length; ) {
    const { length, width } = lengthAt(area, at, 254);
    const end = at + width + length;
    if (length === 0 || end > area.length) throw new MalformedMessage("It is cut off.");
    const type = byteAt(area, at + width) & 0x7f;
    yield { type, data: area.subarray(at + width + 1, end) };
    at = end;
  }
}

function areaAt(body: Buffer, at: number, width: number) {
  const start = at + width;
  const end = start + uintAt(body, at, width);
  if (end > body.length) throw new MalformedMessage("It is cut off.");
  return { area: body.subarray(start, end), end };
}

const hex = (bytes: Buffer): string => bytes.toString("hex").toUpperCase();
