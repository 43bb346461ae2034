import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { MalformedMessage } from "./openpgp.ts";
import { readSimpleSignature } from "./simple-signing.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
/** Made by GnuPG 2.2 with an Ed25519 key: compressed, as it does by default. */
const OF_GPG = Buffer.from(
  `owGbwMvMwCFmX8WhI9z87xXjWkaZJJ6CxMqc/MQUvazi/Lxsntnbq5WSizJLMpMTc5SsqpUyU1LzSjJLKkHslPzk7N
Qi3aLUtNSi1LzkVCUrpSK91IrE3IKcVL38onT9RCtDpVodpczcxPRUJA25iXmZaanFJbopmelACqitOCPRyNTMKpFC
ALKspLIA5JDEkvzczGSF5Py8ksTMvNQiheLM9LzEktKiVJCi/IKSzPw8iI+Si1KBiotAehRKQM4BmpGZC2QA/aFkZW
huAAW1tR2lLAxiHAyyYoosgc4vkjzvJKenPv7ODAs+ViZQcDFwcQrARLQ9GBlaVlhbmvTe/NGyfNM+nvDPXGxzXA9N
Mw8SaxHjXj9Be1YLw/+CW1qmMjqnp6ky1ygevr1Xw3wPU1W5heA8jcOvGIu63vIBAA==`,
  "base64",
);

/** Packet with a length of four bytes. */
function packet(type: number, body: Buffer): Buffer {
  const head = Buffer.from([0xc0 | type, 0xff, 0, 0, 0, 0]);
  head.writeUInt32BE(body.length, 2);
  return Buffer.concat([head, body]);
}

const literal = (text: string): Buffer =>
  packet(11, Buffer.concat([Buffer.from("b\0\0\0\0\0"), Buffer.from(text)]));

const subpacket = (type: number, data: Buffer): Buffer =>
  Buffer.concat([Buffer.from([data.length + 1, type]), data]);

const time = Buffer.from([0x65, 0x92, 0, 0]);

/** Of version 6 and an algorithm that stands for one after quantum computers. */
function youngSignature(fingerprint: Buffer, type = 0): Buffer {
  const hashed = Buffer.concat([
    subpacket(2, time),
    subpacket(33, Buffer.concat([Buffer.from([6]), fingerprint])),
  ]);
  const head = Buffer.from([6, type, 30, 12, 0, 0, 0, hashed.length]);
  return packet(2, Buffer.concat([head, hashed, Buffer.alloc(4), Buffer.alloc(40, 7)]));
}

const payload = (changes: object = {}, optional: object = { creator: "us", timestamp: 1 }) =>
  JSON.stringify({
    critical: {
      type: "atomic container signature",
      image: { "docker-manifest-digest": DIGEST },
      identity: { "docker-reference": "r.example.org/a:1" },
      ...changes,
    },
    optional,
  });

const fingerprint = Buffer.from(Array.from({ length: 32 }, (_, index) => index + 16));
const signed = (text: string): Buffer =>
  Buffer.concat([literal(text), youngSignature(fingerprint)]);

test("a message of GnuPG names its key, its time and the image", () => {
  const found = readSimpleSignature(OF_GPG);

  assert.deepEqual(
    { ...found, digest: found.digest.length },
    {
      digest: 71,
      keyId: "3F7A082C1383FEEA",
      fingerprint: "5143E86249DC636765E3F7033F7A082C1383FEEA",
      timestamp: 1_795_988_407,
      manifest: DIGEST,
      reference: "r.example.org/a:1",
      creator: "a test",
    },
  );
});

test("a signature of version 6 is read whatever its algorithm, and known by its beginning", () => {
  const found = readSimpleSignature(signed(payload()));

  assert.equal(found.keyId, "1011121314151617");
  assert.equal(found.fingerprint?.length, 64);
  assert.equal(found.timestamp, time.readUInt32BE());
  assert.equal(found.creator, "us");
});

test("texts in parts and compressed ones are put together", () => {
  const message = signed(payload());
  const zlib = packet(8, Buffer.concat([Buffer.from([2]), deflateSync(message)]));
  assert.equal(readSimpleSignature(zlib).manifest, DIGEST);

  const body = literal(payload()).subarray(6);
  const parts = Buffer.concat([
    Buffer.from([0xc0 | 11, 0xe0 | 7]),
    body.subarray(0, 128),
    Buffer.from([body.length - 128]),
    body.subarray(128),
  ]);
  assert.ok(body.length - 128 < 192);
  const inParts = readSimpleSignature(Buffer.concat([parts, youngSignature(fingerprint)]));
  assert.equal(inParts.manifest, DIGEST);
});

test("optional parts may say anything, and nothing", () => {
  assert.equal(readSimpleSignature(signed(payload({}, {}))).creator, "");
  assert.equal(readSimpleSignature(signed(payload({}, { more: [1] }))).creator, "");
});

const image = (more: object) => ({ image: { "docker-manifest-digest": DIGEST, ...more } });
const bomb = packet(8, Buffer.concat([Buffer.from([2]), deflateSync(Buffer.alloc(8_000_000))]));
const nested = [1, 2, 3].reduce(
  (inner) => packet(8, Buffer.concat([Buffer.from([0]), inner])),
  signed(payload()),
);

const BAD: Readonly<Record<string, readonly [Buffer, RegExp]>> = {
  empty: [Buffer.alloc(0), /not signed/],
  text: [Buffer.from("hello"), /not made of OpenPGP packets/],
  armoured: [Buffer.from("-----BEGIN PGP MESSAGE-----"), /not made of OpenPGP packets/],
  unsigned: [literal(payload()), /not signed/],
  detached: [youngSignature(fingerprint), /not one literal text/],
  "two texts": [Buffer.concat([literal("{}"), signed(payload())]), /not one literal text/],
  encrypted: [Buffer.concat([packet(18, Buffer.alloc(9)), signed(payload())]), /type 18/],
  "a key's": [Buffer.concat([literal(payload()), youngSignature(fingerprint, 0x13)]), /document/],
  "a short fingerprint": [
    Buffer.concat([literal(payload()), youngSignature(Buffer.alloc(7))]),
    /wrong length/,
  ],
  "cut off": [OF_GPG.subarray(0, OF_GPG.length - 20), /decompressed|cut off/],
  bomb: [bomb, /decompressed/],
  "compressed too often": [nested, /too often/],
  "no JSON": [signed("{"), /no JSON/],
  deep: [signed(`${"[".repeat(50)}${"]".repeat(50)}`), /no plain JSON/],
  twice: [signed('{"critical":1,"critical":2}'), /no plain JSON/],
  list: [signed("[]"), /must be an object/],
  "another type": [signed(payload({ type: "x" })), /critical\.type/],
  "more than an image": [signed(payload(image({ more: 1 }))), /critical\.image\.more/],
  "more than is critical": [signed(payload({ more: 1 })), /critical\.more/],
  "no identity": [signed(payload({ identity: {} })), /docker-reference: is missing/],
  "a negative time": [signed(payload({}, { timestamp: -1 })), /optional\.timestamp/],
  "a creator that is no text": [signed(payload({}, { creator: 1 })), /optional\.creator/],
};

for (const [name, [bytes, reason]] of Object.entries(BAD)) {
  test(`no signature: ${name}`, () => {
    assert.throws(
      () => readSimpleSignature(bytes),
      (error) => error instanceof MalformedMessage && reason.test(error.message),
    );
  });
}

test("whatever bytes come, they are read or refused", () => {
  const changed = fc
    .tuple(fc.nat(OF_GPG.length - 1), fc.nat(255), fc.boolean())
    .map(([at, byte, isYoung]) => {
      const bytes = Buffer.from(isYoung ? signed(payload()) : OF_GPG);
      bytes[at % bytes.length] = byte;
      return bytes;
    });
  const any = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(any, changed), (bytes) => {
      try {
        readSimpleSignature(bytes);
      } catch (error) {
        assert.ok(error instanceof MalformedMessage, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});
