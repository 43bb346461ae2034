import assert from "node:assert/strict";
import {
  createHash,
  createPrivateKey,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  type Attestation,
  InvalidAttestation,
  type Publisher,
  parseAttestations,
  parseProvenance,
  provenanceOf,
  provenanceSha256,
} from "#plugins/python/attestations.ts";
import {
  preAuthenticationEncoding,
  VerificationFailure,
  verifyProvenance,
} from "#plugins/python/verify-attestations.ts";
import { createIdentity } from "../../support/certificates.ts";

const FILE = { filename: "shelf-0.1.tar.gz", sha256: "ab".repeat(32) };
const NOW = Math.floor(Date.now() / 1000);

const statement = (changes: object = {}) => ({
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: FILE.filename, digest: { sha256: FILE.sha256 } }],
  predicateType: "https://docs.pypi.org/attestations/publish/v1",
  predicate: null,
  ...changes,
});

interface Making {
  readonly statement?: object;
  readonly key?: KeyObject;
  readonly certificate?: string;
  readonly integratedTime?: unknown;
  readonly entries?: readonly object[];
}

function attestation(making: Making = {}): Attestation {
  const { key, certificate = "", integratedTime = String(NOW), entries } = making;
  const payload = Buffer.from(JSON.stringify(making.statement ?? statement()));
  const data = preAuthenticationEncoding(payload);
  const algorithm = key?.asymmetricKeyType?.startsWith("ed") ? null : "sha256";
  const signature = key ? sign(algorithm, data, key) : Buffer.from("nobody");
  return {
    version: 1,
    verification_material: {
      certificate,
      transparency_entries: (entries ?? [{ integratedTime }]) as never,
    },
    envelope: {
      statement: payload.toString("base64"),
      signature: signature.toString("base64"),
    },
  };
}

const base64Of = (pem: string): string => pem.replace(/-----[^-]+-----|\s/g, "");

function context(settings: object = {}) {
  const warnings: string[] = [];
  const quiet = () => undefined;
  const log = {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (text: string) => void warnings.push(text),
  };
  const defaults = { ATTESTATION_VERIFICATION_KEY: null, ATTESTATION_REQUIRE_SIGNER: false };
  return { ctx: { settings: { ...defaults, ...settings }, log } as never, warnings };
}

const verifyOne = (one: Attestation, settings: object = {}, publisher: Publisher = { kind: "x" }) =>
  verifyProvenance(context(settings).ctx, provenanceOf(publisher, [one]), FILE);

test("the encoding that is signed tells type and payload with their lengths", () => {
  assert.equal(
    preAuthenticationEncoding(Buffer.from("hé")).toString(),
    "DSSEv1 28 application/vnd.in-toto+json 3 hé",
  );
});

const SUBJECTS: readonly (readonly [object, RegExp])[] = [
  [{ subject: [] }, /exactly one subject/],
  [{ subject: "shelf" }, /exactly one subject/],
  [{ subject: [...statement().subject, ...statement().subject] }, /exactly one subject/],
  [
    { subject: [{ name: "other.whl", digest: {} }] },
    /^subject does not match distribution name: other\.whl != shelf-0\.1\.tar\.gz$/,
  ],
  [{ subject: [{ name: FILE.filename }] }, /^subject does not match distribution digest$/],
  [
    { subject: [{ name: FILE.filename, digest: { sha256: "00" } }] },
    /^subject does not match distribution digest$/,
  ],
];

for (const [changes, text] of SUBJECTS) {
  test(`a statement about something else is refused: ${JSON.stringify(changes)}`, async () => {
    await assert.rejects(verifyOne(attestation({ statement: statement(changes) })), (error) => {
      assert.ok(error instanceof VerificationFailure);
      assert.match(error.message, text);
      return true;
    });
  });
}

test("a statement that is no object is refused", async () => {
  for (const text of ["", "null", "7", "{"]) {
    const made = attestation();
    const envelope = { ...made.envelope, statement: Buffer.from(text).toString("base64") };
    await assert.rejects(verifyOne({ ...made, envelope }), VerificationFailure);
  }
});

test("without certificate and key the subject alone decides, and the log says so", async () => {
  const { ctx, warnings } = context();
  const provenance = provenanceOf({ kind: "x" }, [attestation()]);

  assert.deepEqual(await verifyProvenance(ctx, provenance, FILE), provenance);
  assert.equal(warnings.length, 1);
  await assert.rejects(
    verifyOne(attestation(), { ATTESTATION_REQUIRE_SIGNER: true }),
    /no certificate, and no key is configured/,
  );
});

async function keyFile(t: TestContext, key: KeyObject): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-key-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "key.pem");
  await writeFile(path, key.export({ type: "spki", format: "pem" }));
  return path;
}

const KEYS = {
  rsa: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ec: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ed25519: () => generateKeyPairSync("ed25519"),
};

for (const [kind, make] of Object.entries(KEYS)) {
  test(`the configured key verifies what has no certificate (${kind})`, async (t) => {
    const { publicKey, privateKey } = make() as { publicKey: KeyObject; privateKey: KeyObject };
    const settings = { ATTESTATION_VERIFICATION_KEY: await keyFile(t, publicKey) };

    await verifyOne(attestation({ key: privateKey }), settings);
    const other = make() as { privateKey: KeyObject };
    await assert.rejects(
      verifyOne(attestation({ key: other.privateKey }), settings),
      /: signature verification failed: /,
    );
    await assert.rejects(verifyOne(attestation(), settings), /: signature verification failed: /);
  });
}

test("RSA signatures are those of PKCS#1 v1.5 with SHA-256", async (t) => {
  const { publicKey, privateKey } = KEYS.rsa();
  const made = attestation();
  const data = preAuthenticationEncoding(Buffer.from(made.envelope.statement, "base64"));
  const signature = createSign("RSA-SHA256").update(data).sign(privateKey, "base64");
  const settings = { ATTESTATION_VERIFICATION_KEY: await keyFile(t, publicKey) };

  await verifyOne({ ...made, envelope: { ...made.envelope, signature } }, settings);
});

test("an attestation with nothing but a key is one, and is verified by it", async (t) => {
  const { publicKey, privateKey } = KEYS.rsa();
  const settings = { ATTESTATION_VERIFICATION_KEY: await keyFile(t, publicKey) };
  const bare = { ...attestation({ key: privateKey }), verification_material: null };

  assert.deepEqual(parseAttestations(JSON.stringify([bare])), [bare]);
  await verifyOne(bare, settings);
  const other = { ...attestation({ key: KEYS.rsa().privateKey }), verification_material: null };
  await assert.rejects(verifyOne(other, settings), /: signature verification failed: /);
});

test("a key that is not there refuses everything", async () => {
  await assert.rejects(
    verifyOne(attestation(), { ATTESTATION_VERIFICATION_KEY: "/none/there.pem" }),
    /ATTESTATION_VERIFICATION_KEY is no public key \(ENOENT\)/,
  );
});

test("a certificate verifies what was signed while it was valid", async () => {
  const { cert, key } = createIdentity("signer");
  const signer = { key: createPrivateKey(key), certificate: base64Of(cert) };

  await verifyOne(attestation(signer));
  const { key: stranger } = createIdentity("stranger");
  const cases: readonly (readonly [Making, RegExp])[] = [
    [{ ...signer, key: createPrivateKey(stranger) }, /: signature verification failed: /],
    [{ ...signer, integratedTime: "1000" }, /not valid when the signature was made/],
    [{ ...signer, integratedTime: String(NOW + 1e10) }, /not valid when the signature was made/],
    [{ ...signer, integratedTime: "soon" }, /does not tell when/],
    [{ ...signer, entries: [{}] }, /does not tell when/],
  ];
  for (const [making, text] of cases) await assert.rejects(verifyOne(attestation(making)), text);
});

test("a certificate of somebody else is none of a known publisher", async () => {
  const { cert, key } = createIdentity("signer");
  const made = attestation({ key: createPrivateKey(key), certificate: base64Of(cert) });
  const github = { kind: "GitHub", repository: "pulp/shelf", workflow: "publish.yml" };

  await assert.rejects(verifyOne(made, {}, github), /not one of the GitHub publisher/);
  await verifyOne(made, {}, { kind: "constructor" });
});

test("SLSA provenance names the builder as publisher", async () => {
  const predicate = { builder: { id: "https://build.example/worker" }, buildType: "make" };
  const predicateType = "https://slsa.dev/provenance/v0.2";
  const made = attestation({ statement: statement({ predicateType, predicate }) });

  const { attestation_bundles } = await verifyOne(
    made,
    {},
    { kind: "Pulp User", prn: "prn:a.b:1" },
  );

  assert.deepEqual(attestation_bundles[0]?.publisher, {
    kind: "build.example",
    prn: "prn:a.b:1",
    builder_id: "https://build.example/worker",
    build_type: "make",
  });
});

const good = () => attestation();
const INVALID: readonly (readonly [unknown, RegExp])[] = [
  [{}, /a list is expected/],
  ["{", /no JSON/],
  ['[{"a": 1, "a": 2}]', /occurs twice/],
  [[], /the list is empty/],
  [[7], /attestation 0 is not an object/],
  [[{ ...good(), version: 2 }], /version is not 1/],
  [[{ ...good(), version: "1" }], /version is not 1/],
  [[{ version: 1, envelope: good().envelope }], /verification_material is not an object/],
  [
    [good(), { ...good(), envelope: { statement: "e30=" } }],
    /attestation 1: signature is not a text/,
  ],
  [[{ ...good(), envelope: { statement: "é", signature: "" } }], /statement is not base64/],
  [[attestation({ entries: [] })], /transparency_entries has no entry/],
  [[attestation({ entries: [["x"]] as never })], /transparency_entries is not an object/],
  [[attestation({ entries: [{ x: "\0" }] })], /characters that no text may have/],
  [`${"[".repeat(100)}${"]".repeat(100)}`, /nested too deeply/],
];

for (const [value, text] of INVALID) {
  test(`attestations are refused that are none: ${text}`, () => {
    assert.throws(
      () => parseAttestations(value),
      (error) => {
        assert.ok(error instanceof InvalidAttestation);
        assert.match(error.message, text);
        return true;
      },
    );
  });
}

test("attestations come as a list, or as its text", () => {
  const list = [good()];
  assert.deepEqual(parseAttestations(list), list);
  assert.deepEqual(parseAttestations(JSON.stringify(list)), list);
});

test("a provenance keeps every key of its publisher", () => {
  const publisher = { kind: "Somebody", any: { nested: [1, null] } };
  const provenance = provenanceOf(publisher, [good()]);
  assert.deepEqual(parseProvenance(JSON.stringify(provenance)), provenance);
  const bundle = { publisher, attestations: [good()] };
  const broken: readonly (readonly [unknown, RegExp])[] = [
    [[], /provenance is not an object/],
    [{ version: 1 }, /attestation_bundles is not a list/],
    [{ version: 3, attestation_bundles: [] }, /version is not 1/],
    [{ version: 1, attestation_bundles: [{ ...bundle, publisher: {} }] }, /kind is not a text/],
    [{ version: 1, attestation_bundles: [{ publisher }] }, /attestations is not a list/],
  ];
  for (const [value, text] of broken)
    assert.throws(() => parseProvenance(JSON.stringify(value)), text);
});

test("the identity of a provenance does not depend on the order of keys", () => {
  const one = parseProvenance('{"version": 1, "attestation_bundles": []}');
  const other = parseProvenance('{"attestation_bundles": [], "version": 1}');
  const text = '{"attestation_bundles": [], "version": 1}';
  assert.deepEqual(provenanceSha256(one), createHash("sha256").update(text).digest());
  assert.deepEqual(provenanceSha256(one), provenanceSha256(other));
});
