import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createSecrets,
  type FernetKey,
  fernetToken,
  generateFernetKey,
  openFernetToken,
  parseFernetKey,
} from "#platform/crypto/fernet.ts";

/** Vectors of https://github.com/fernet/spec: generate.json, verify.json, invalid.json. */
const SECRET = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
const TOKEN =
  "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
const INVALID = {
  "incorrect mac":
    "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ==",
  "too short": "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA==",
  "invalid base64":
    "%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==",
  "payload size not multiple of block size":
    "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm",
  "payload padding error":
    "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw==",
} as const;

test("generates the token of the specification", () => {
  const iv = Buffer.from(Array.from({ length: 16 }, (_, index) => index));
  const seconds = Date.parse("1985-10-26T01:20:00-07:00") / 1000;

  assert.equal(fernetToken(key(SECRET), "hello", { seconds, iv }), TOKEN);
});

test("opens the token of the specification, padded or not", () => {
  assert.equal(openFernetToken(key(SECRET), TOKEN), "hello");
  assert.equal(openFernetToken(key(SECRET), TOKEN.replaceAll("=", "")), "hello");
});

for (const [reason, token] of Object.entries(INVALID)) {
  test(`refuses a token: ${reason}`, () => {
    assert.equal(openFernetToken(key(SECRET), token), undefined);
  });
}

test("seals with the first key and opens with every key", () => {
  const [old, fresh] = [key(generateFernetKey()), key(generateFernetKey())];
  const before = createSecrets([old]).seal("grün\n");
  const rotated = createSecrets([fresh, old]);

  assert.equal(rotated.keyName, fresh.name);
  assert.equal(rotated.open(before), "grün\n");
  assert.equal(createSecrets([fresh]).open(rotated.seal("")), "");
  assert.throws(() => createSecrets([fresh]).open(before), /cannot be read/);
});

test("two tokens of one text differ", () => {
  const secrets = createSecrets([key(SECRET)]);

  assert.notEqual(secrets.seal("x"), secrets.seal("x"));
});

test("a key is 32 bytes of URL-safe Base64", () => {
  assert.equal(parseFernetKey("short"), undefined);
  assert.equal(parseFernetKey(`${SECRET.slice(0, -2)}/=`), undefined);
  assert.equal(parseFernetKey(`${SECRET}${SECRET}`), undefined);
});

function key(text: string): FernetKey {
  const parsed = parseFernetKey(text);
  assert.ok(parsed);
  return parsed;
}
