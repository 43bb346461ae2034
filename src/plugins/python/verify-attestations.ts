import { createPublicKey, type KeyObject, verify, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Ctx } from "#sdk";
import type { Attestation, Provenance, Publisher } from "./attestations.ts";
import { pythonSettingsOf } from "./settings.ts";

/** The file that is attested. */
export interface Subject {
  readonly filename: string;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** An attestation does not hold for the file; the text says why. */
export class VerificationFailure extends Error {
  override readonly name = "VerificationFailure";
}

const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const SLSA_02 = "https://slsa.dev/provenance/v0.2";

/**
 * Verifies every attestation of a provenance (plugin-python §5.3): the statement is about the file,
 * and signed by the key of its certificate while that was valid, or by the configured key where
 * there is no certificate. Whether a known authority issued the certificate is not looked at.
 *
 * @returns the provenance, in which publishers say what the statements tell of the build.
 * @throws `VerificationFailure`
 */
export async function verifyProvenance(
  ctx: Pick<Ctx, "settings" | "log">,
  provenance: Provenance,
  subject: Subject,
): Promise<Provenance> {
  const verified = [];
  for (const { publisher, attestations } of provenance.attestation_bundles) {
    let now = publisher;
    for (const attestation of attestations) {
      const statement = statementOf(attestation);
      checkSubject(statement, subject);
      await checkSigner(ctx, { attestation, publisher });
      now = { ...now, ...builderOf(statement) };
    }
    verified.push({ publisher: now, attestations });
  }
  return { ...provenance, attestation_bundles: verified };
}

/** An in-toto statement, as far as it is looked at. */
interface Statement {
  readonly subject?: unknown;
  readonly predicateType?: unknown;
  readonly predicate?: {
    readonly builder?: { readonly id?: unknown } | null;
    readonly buildType?: unknown;
  } | null;
}

const bytesOf = (base64: string): Buffer => Buffer.from(base64, "base64");

function statementOf({ envelope }: Attestation): Statement {
  const fail = (): never => {
    throw new VerificationFailure("the statement is no JSON object");
  };
  try {
    const value: unknown = JSON.parse(bytesOf(envelope.statement).toString("utf8"));
    return typeof value === "object" && value !== null ? value : fail();
  } catch (error) {
    if (error instanceof SyntaxError) return fail();
    throw error;
  }
}

function checkSubject({ subject }: Statement, { filename, sha256 }: Subject): void {
  const [only, ...others] = Array.isArray(subject) ? subject : [];
  if (typeof only !== "object" || only === null || others.length > 0)
    throw new VerificationFailure("the statement does not have exactly one subject");
  const { name, digest } = only as { name?: unknown; digest?: { sha256?: unknown } | null };
  if (name !== filename)
    throw new VerificationFailure(
      `subject does not match distribution name: ${String(name)} != ${filename}`,
    );
  if (digest?.sha256 !== sha256)
    throw new VerificationFailure("subject does not match distribution digest");
}

/** What SLSA provenance says of the build goes to the publisher (plugin-python §5.3). */
function builderOf({ predicateType, predicate }: Statement): Readonly<Record<string, string>> {
  const id = predicate?.builder?.id;
  if (predicateType !== SLSA_02 || typeof id !== "string") return {};
  const buildType = predicate?.buildType;
  return {
    builder_id: id,
    ...(typeof buildType === "string" ? { build_type: buildType } : {}),
    ...(URL.canParse(id) && new URL(id).host !== "" ? { kind: new URL(id).host } : {}),
  };
}

interface Signed {
  readonly attestation: Attestation;
  readonly publisher: Publisher;
}

async function checkSigner(
  ctx: Pick<Ctx, "settings" | "log">,
  { attestation, publisher }: Signed,
): Promise<void> {
  const certificate = certificateOf(attestation);
  if (certificate) {
    checkSignature(attestation, certificate.publicKey);
    checkValidity(certificate, attestation);
    return checkPublisher(certificate, publisher);
  }
  const settings = pythonSettingsOf(ctx);
  if (settings.ATTESTATION_VERIFICATION_KEY !== null)
    return checkSignature(attestation, await publicKey(settings.ATTESTATION_VERIFICATION_KEY));
  if (settings.ATTESTATION_REQUIRE_SIGNER)
    throw new VerificationFailure("there is no certificate, and no key is configured");
  ctx.log.warn(
    "An attestation without a certificate is accepted unverified: ATTESTATION_VERIFICATION_KEY is not set.",
  );
}

function certificateOf({ verification_material }: Attestation): X509Certificate | undefined {
  if (verification_material === null) return undefined;
  try {
    return new X509Certificate(bytesOf(verification_material.certificate));
  } catch {
    // Signers without one fill the field with something else.
    return undefined;
  }
}

/** @throws `VerificationFailure` if the file is no public key. */
async function publicKey(path: string): Promise<KeyObject> {
  try {
    return createPublicKey(await readFile(path));
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new VerificationFailure(`ATTESTATION_VERIFICATION_KEY is no public key (${why})`);
  }
}

/** DSSE, "Signature definition": what is signed is type and payload with their lengths. */
export function preAuthenticationEncoding(payload: Buffer): Buffer {
  const type = `${Buffer.byteLength(PAYLOAD_TYPE)} ${PAYLOAD_TYPE}`;
  return Buffer.concat([Buffer.from(`DSSEv1 ${type} ${payload.length} `), payload]);
}

function checkSignature({ envelope }: Attestation, key: KeyObject): void {
  const data = preAuthenticationEncoding(bytesOf(envelope.statement));
  const algorithm = /^ed(25519|448)$/.test(key.asymmetricKeyType ?? "") ? null : "sha256";
  if (!isSigned(algorithm, { data, key, signature: bytesOf(envelope.signature) }))
    throw new VerificationFailure(
      "signature verification failed: it is not one of the statement by this key",
    );
}

function isSigned(
  algorithm: string | null,
  signed: { readonly data: Buffer; readonly key: KeyObject; readonly signature: Buffer },
): boolean {
  try {
    return verify(algorithm, signed.data, signed.key, signed.signature);
  } catch {
    // A key of a kind that signs nothing.
    return false;
  }
}

/** Certificates live for minutes: they are valid if they were when the log took the signature. */
function checkValidity(certificate: X509Certificate, { verification_material }: Attestation): void {
  const seconds = Number(
    verification_material?.transparency_entries[0]?.integratedTime ?? Number.NaN,
  );
  if (!Number.isFinite(seconds) || seconds <= 0)
    throw new VerificationFailure("the log does not tell when the signature was made");
  const from = certificate.validFromDate.getTime();
  const to = certificate.validToDate.getTime();
  if (seconds * 1000 < from || seconds * 1000 > to)
    throw new VerificationFailure("the certificate was not valid when the signature was made");
}

/** Identities that certificates of known publishers carry. */
const IDENTITIES: Readonly<Record<string, (publisher: Publisher) => string>> = {
  GitHub: ({ repository, workflow }) =>
    `URI:https://github.com/${repository}/.github/workflows/${workflow}@`,
  GitLab: ({ repository, workflow_filepath }) =>
    `URI:https://gitlab.com/${repository}//${workflow_filepath}@`,
  Google: ({ email }) => `email:${email}`,
};

function checkPublisher({ subjectAltName = "" }: X509Certificate, publisher: Publisher): void {
  const wanted = Object.hasOwn(IDENTITIES, publisher.kind)
    ? IDENTITIES[publisher.kind]?.(publisher)
    : undefined;
  if (wanted === undefined) return;
  const names = subjectAltName.split(", ");
  const fits = names.some((name) =>
    wanted.endsWith("@") ? name.startsWith(wanted) : name === wanted,
  );
  if (!fits)
    throw new VerificationFailure(`the certificate is not one of the ${publisher.kind} publisher`);
}
