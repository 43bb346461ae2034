import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { exportJWK, SignJWT } from "jose";
import { sql } from "kysely";
import { container } from "#plugins/container/plugin.ts";
import { keyFiles } from "#plugins/container/registry-auth/key-files.ts";
import { keyId } from "#plugins/container/registry-auth/key-id.ts";
import { jwks, type KeyBook } from "#plugins/container/registry-auth/keys.ts";
import { StoredKeys } from "#plugins/container/registry-auth/stored-keys.ts";
import { signedToken, TokenVerifier } from "#plugins/container/registry-auth/token.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";

const CLAIMS = {
  issuer: "https://r.example.org/token/",
  audience: "r.example.org",
  subject: "ann",
  access: [
    { type: "repository", name: "a/b", actions: ["pull", "push"] },
    { type: "repository", name: "c", actions: [] },
    { type: "registry", name: "catalog", actions: ["*"] },
  ],
};

const openContext = (t: TestContext, settings: object = {}): Promise<TestContextValue> =>
  createContext(t, { plugins: [container], settings });

const sign = (keys: KeyBook, seconds = 300): Promise<string> =>
  signedToken(keys, CLAIMS, { now: Date.now(), seconds });

test("processes that start together agree on one key, which is sealed", async (t) => {
  const first = await openContext(t);
  const second = await createContext(t, { plugins: [container], beside: first });
  const books = [new StoredKeys(first.ctx), new StoredKeys(second.ctx)];

  const keys = await Promise.all([...books, ...books].map((book) => book.signing()));

  assert.equal(new Set(keys.map(({ id }) => id)).size, 1);
  assert.match(keys[0]?.id ?? "", /^(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}$/);
  const { rows } = await sql<{ private_key: string }>`
    select private_key from container_token_key`.execute(first.ctx.db);
  assert.equal(rows.length, 1);
  assert.doesNotMatch(rows[0]?.private_key ?? "", /^-----BEGIN/);
});

test("a key that has grown old is replaced, and its tokens are still accepted", async (t) => {
  const { ctx } = await openContext(t);
  const before = new StoredKeys(ctx);
  const token = await sign(before);
  await sql`update container_token_key set created = created - interval '91 days'`.execute(ctx.db);
  const book = new StoredKeys(ctx);

  const { id } = await book.signing();

  const known = await book.all();
  assert.equal(known.length, 2);
  assert.equal(known[0]?.id, id);
  assert.notEqual((await before.signing()).id, id);
  assert.equal((await new TokenVerifier(book, ctx.clock).verify(token))?.subject, "ann");
  const { keys } = await jwks(book);
  assert.deepEqual(
    keys.map(({ kid }) => kid),
    known.map((key) => key.id),
  );
  assert.ok(keys.every((key) => key.kty === "EC" && key.alg === "ES256" && !("d" in key)));

  await sql`update container_token_key set created = created - interval '92 days'`.execute(ctx.db);
  assert.equal((await new StoredKeys(ctx).signing()).id === id, false);
  const { rows } = await sql`select from container_token_key`.execute(ctx.db);
  assert.equal(rows.length, 1);
});

test("a key that another process has made is found when a token names it", async (t) => {
  const first = await openContext(t);
  const second = await createContext(t, { plugins: [container], beside: first });
  let now = Date.now();
  const clock = { now: () => now };
  const reader = new StoredKeys({ ...first.ctx, clock });
  const verifier = new TokenVerifier(reader, clock);
  assert.equal((await reader.all()).length, 0);
  const token = await sign(new StoredKeys(second.ctx));

  assert.equal(await verifier.verify(token), undefined);
  now += 2_001;
  assert.equal((await verifier.verify(token))?.subject, "ann");
});

test("every algorithm signs with a key of its own kind", async (t) => {
  for (const algorithm of ["ES384", "ES512", "RS256", "PS256", "EdDSA"]) {
    const { ctx } = await openContext(t, { TOKEN_SIGNATURE_ALGORITHM: algorithm });
    const book = new StoredKeys(ctx);
    const token = await sign(book);
    assert.equal((await book.signing()).algorithm, algorithm);
    assert.ok(await new TokenVerifier(book, ctx.clock).verify(token), algorithm);
  }
});

interface KeyFolder {
  write(name: string, ...keys: readonly KeyObject[]): string;
}

function keyFolder(t: TestContext): KeyFolder {
  const folder = mkdtempSync(join(tmpdir(), "deckle-keys-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return {
    write(name, ...keys) {
      const file = join(folder, name);
      const pems = keys.map((key) =>
        key.export({ type: key.type === "private" ? "pkcs8" : "spki", format: "pem" }),
      );
      writeFileSync(file, pems.join(""));
      return file;
    },
  };
}

const pair = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });

test("keys from files sign, and older ones beside the public key are still accepted", async (t) => {
  const folder = keyFolder(t);
  const [old, young] = [pair(), pair()];
  const settings = (own: typeof old, ...known: (typeof old)[]) => ({
    PRIVATE_KEY_PATH: folder.write("private.pem", own.privateKey),
    PUBLIC_KEY_PATH: folder.write("public.pem", ...known.map(({ publicKey }) => publicKey)),
    TOKEN_SIGNATURE_ALGORITHM: "ES256" as const,
  });
  const before = keyFiles(settings(old, old));
  const after = keyFiles(settings(young, young, old));
  assert.ok(before && after);
  const token = await sign(before);

  assert.equal((await after.signing()).id, keyId(young.publicKey));
  assert.equal((await new TokenVerifier(after, Date).verify(token))?.subject, "ann");
  assert.equal((await jwks(after)).keys.length, 2);
});

test("keys from files that cannot work stop the start", async (t) => {
  const folder = keyFolder(t);
  const [one, other] = [pair(), pair()];
  const PRIVATE_KEY_PATH = folder.write("private.pem", one.privateKey);
  const PUBLIC_KEY_PATH = folder.write("public.pem", other.publicKey);
  const own = folder.write("own.pem", one.publicKey);
  const TOKEN_SIGNATURE_ALGORITHM = "ES256" as const;
  const E001 = { code: "pulp_container.E001" };
  const given = { PRIVATE_KEY_PATH, PUBLIC_KEY_PATH, TOKEN_SIGNATURE_ALGORITHM };

  assert.equal(keyFiles({ ...given, PRIVATE_KEY_PATH: "", PUBLIC_KEY_PATH: "" }), undefined);
  assert.throws(() => keyFiles(given), E001);
  assert.throws(() => keyFiles({ ...given, PUBLIC_KEY_PATH: "" }), E001);
  assert.throws(() => keyFiles({ ...given, PRIVATE_KEY_PATH: "" }), E001);
  assert.throws(() => keyFiles({ ...given, PUBLIC_KEY_PATH: "/no/such/file" }), E001);
  assert.throws(
    () => keyFiles({ ...given, PUBLIC_KEY_PATH: own, TOKEN_SIGNATURE_ALGORITHM: "RS256" }),
    E001,
  );
});

/** Tokens that somebody else has made to look like ours. */
async function forgeries(book: KeyBook): Promise<Readonly<Record<string, string>>> {
  const { id, privateKey } = await book.signing();
  const theirs = pair();
  const jwk = await exportJWK(theirs.publicKey);
  const header = { alg: "ES256", typ: "JWT", kid: id };
  const make = (changes: object, key = theirs.privateKey, claims: object = {}) =>
    new SignJWT({ access: CLAIMS.access, ...claims })
      .setProtectedHeader({ ...header, ...changes } as typeof header)
      .setIssuer(CLAIMS.issuer)
      .setAudience(CLAIMS.audience)
      .setSubject("ann")
      .setIssuedAt()
      .setNotBefore((claims as { nbf?: number }).nbf ?? 0)
      .setExpirationTime((claims as { exp?: number }).exp ?? Date.now() / 1000 + 60)
      .sign(key);
  const good = await sign(book);
  const [head = "", body = "", signature = ""] = good.split(".");
  const text = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  return {
    "another key": await make({}),
    "a key that comes with it": await make({ jwk }),
    "a key at an address": await make({ jku: "https://evil.example.org/keys" }),
    "a certificate": await make({ x5c: ["MIIB"] }),
    "a name of a key that nobody has": await make({ kid: "AAAA" }, privateKey),
    "no algorithm": `${text({ ...header, alg: "none" })}.${body}.`,
    "a secret that everybody knows": `${text({ ...header, alg: "HS256" })}.${body}.${signature}`,
    "a change": `${head}.${text({ ...CLAIMS, sub: "admin" })}.${signature}`,
    "its end in the past": await make({}, privateKey, { exp: now - 60 }),
    "its beginning in the future": await make({}, privateKey, { nbf: now + 60 }),
    "too much": `${good}${"a".repeat(60_000)}`,
    nothing: "",
    "no token": "a.b.c",
  };
}

test("a token says what it grants, until it expires; forged ones say nothing", async (t) => {
  const { ctx } = await openContext(t);
  let now = Date.now();
  const clock = { now: () => now };
  const book = new StoredKeys(ctx);
  const verifier = new TokenVerifier(book, clock);
  const token = await sign(book, 60);

  const found = await verifier.verify(token);

  assert.equal(found?.audience, CLAIMS.audience);
  assert.equal(found?.issuer, CLAIMS.issuer);
  assert.equal(found?.hasCatalog, true);
  assert.deepEqual(
    [...(found?.repositories ?? [])],
    [
      ["a/b", "push"],
      ["c", undefined],
    ],
  );
  assert.equal(verifier.known(token), found);
  for (const [name, forged] of Object.entries(await forgeries(book))) {
    assert.equal(await verifier.verify(forged), undefined, name);
  }
  now += 61_000;
  assert.equal(verifier.known(token), undefined);
});

test("a token that was verified costs five microseconds at most", async (t) => {
  const { ctx } = await openContext(t);
  const book = new StoredKeys(ctx);
  const verifier = new TokenVerifier(book, ctx.clock);
  const token = await sign(book);
  await verifier.verify(token);
  // As it comes with each request: another text of the same letters.
  const texts = Array.from({ length: 10_000 }, () => Buffer.from(token).toString());

  const start = process.cpuUsage();
  const found = texts.filter((text) => verifier.known(text) !== undefined).length;
  const { user, system } = process.cpuUsage(start);

  assert.equal(found, texts.length);
  const each = (user + system) / texts.length;
  assert.ok(each <= 5, `${each.toFixed(2)} µs`);
});
