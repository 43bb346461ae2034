/** Packet with a length of four bytes (RFC 9580 §4.2.1). */
function packet(type: number, body: Buffer): Buffer {
  const head = Buffer.from([0xc0 | type, 0xff, 0, 0, 0, 0]);
  head.writeUInt32BE(body.length, 2);
  return Buffer.concat([head, body]);
}

const subpacket = (type: number, data: Buffer): Buffer =>
  Buffer.concat([Buffer.from([data.length + 1, type]), data]);

/** A message of the right form, signed by nobody: `salt` makes one differ from another. */
export function signedMessage(text: string, salt = 7): Buffer {
  const fingerprint = Buffer.alloc(20, salt);
  const hashed = Buffer.concat([
    subpacket(2, Buffer.from([0x65, 0x92, 0, salt])),
    subpacket(33, Buffer.concat([Buffer.from([4]), fingerprint])),
  ]);
  const head = Buffer.from([4, 0, 22, 8, 0, hashed.length]);
  return Buffer.concat([
    packet(11, Buffer.concat([Buffer.from("b\0\0\0\0\0"), Buffer.from(text)])),
    packet(2, Buffer.concat([head, hashed, Buffer.alloc(2), Buffer.alloc(70, salt)])),
  ]);
}

export const signedPayload = (digest: string): string =>
  JSON.stringify({
    critical: {
      type: "atomic container signature",
      image: { "docker-manifest-digest": digest },
      identity: { "docker-reference": "r.example.org/team/app:1" },
    },
    optional: { creator: "a test", timestamp: 1_700_000_000 },
  });
