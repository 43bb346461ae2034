import assert from "node:assert/strict";
import { test } from "node:test";
import {
  hashPassword,
  needsRehash,
  randomText,
  unusablePassword,
  verifyPassword,
} from "./passwords.ts";

/** Made by hashlib.pbkdf2_hmac("sha256", b"password", b"seasalt", 1000). */
const KNOWN = "pbkdf2_sha256$1000$seasalt$";

test("a hash has the stored form and matches only its password", async () => {
  const hash = await hashPassword("pässword", { iterations: 1000 });

  assert.match(hash, /^pbkdf2_sha256\$1000\$[A-Za-z0-9]{22}\$[A-Za-z0-9+/]{43}=$/);
  assert.equal(await verifyPassword("pässword", hash), true);
  assert.equal(await verifyPassword("passwort", hash), false);
});

test("the derived bytes are those of PBKDF2-HMAC-SHA256 over the text of the salt", async () => {
  const hash = await hashPassword("password", { salt: "seasalt", iterations: 1000 });

  assert.equal(hash, `${KNOWN}YIWkt6M1JFXrHg5s0jZjBSc7C2Cz6QvchSJ0h8Y+i7c=`);
});

test("unusable, empty and foreign hashes match nothing", async () => {
  for (const stored of [unusablePassword(), "", "md5$x$y", "pbkdf2_sha256$1$$", "!"]) {
    assert.equal(await verifyPassword("", stored), false, stored);
  }
});

test("hashes of fewer rounds ask for a new one", () => {
  assert.equal(needsRehash(`${KNOWN}x`), true);
  assert.equal(needsRehash("pbkdf2_sha256$1000000$s$x"), false);
});

test("random texts are letters and digits and differ", () => {
  assert.match(randomText(20), /^[A-Za-z0-9]{20}$/);
  assert.notEqual(randomText(20), randomText(20));
});
