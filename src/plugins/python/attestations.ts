import { createHash } from "node:crypto";
import type { Json, JsonObject } from "#base/json.ts";
import { scanJson } from "#base/json-scan.ts";
import { pythonJson } from "./format/python-json.ts";

/** A signed statement about a file (PEP 740, "Attestation objects"). */
export interface Attestation {
  readonly version: 1;
  /** Null of signers that have nothing but a key. */
  readonly verification_material: VerificationMaterial | null;
  readonly envelope: {
    /** In-toto statement in base64. */
    readonly statement: string;
    /** Over the statement, in base64. */
    readonly signature: string;
  };
}

export interface VerificationMaterial {
  /** DER in base64; other signers than certificates leave it without one. */
  readonly certificate: string;
  readonly transparency_entries: readonly JsonObject[];
}

/** Who published a file: `kind`, and keys that depend on it. */
export type Publisher = JsonObject & { readonly kind: string };

/** Everything that is attested about one file (PEP 740, "Provenance objects"). */
export interface Provenance {
  readonly version: 1;
  readonly attestation_bundles: readonly {
    readonly publisher: Publisher;
    readonly attestations: readonly Attestation[];
  }[];
}

/** A document is no attestation or provenance; the text says where and why. */
export class InvalidAttestation extends Error {
  override readonly name = "InvalidAttestation";
}

/** Deeper documents are refused before anything walks them. */
const MAX_DEPTH = 64;

/**
 * Reads what comes with an upload: a list, or the JSON text of one (plugin-python §5.2).
 *
 * @throws `InvalidAttestation`
 */
export function parseAttestations(value: unknown): readonly Attestation[] {
  const list = typeof value === "string" ? parseJson(value) : value;
  if (!Array.isArray(list)) throw new InvalidAttestation("a list is expected");
  if (list.length === 0) throw new InvalidAttestation("the list is empty");
  list.forEach((one, index) => {
    checkAttestation(one, `attestation ${index}`);
  });
  checkTexts(list, "attestations");
  return list as readonly Attestation[];
}

/**
 * Reads a provenance object; every kind of publisher is kept as it is (plugin-python §5.1).
 *
 * @throws `InvalidAttestation`
 */
export function parseProvenance(text: string): Provenance {
  const value = objectAt(parseJson(text), "provenance");
  checkVersion(value, "provenance");
  const bundles = listAt(value.attestation_bundles, "attestation_bundles");
  bundles.forEach((one, index) => {
    const where = `attestation_bundles ${index}`;
    const bundle = objectAt(one, where);
    textAt(objectAt(bundle.publisher, `${where}: publisher`).kind, `${where}: publisher: kind`);
    listAt(bundle.attestations, `${where}: attestations`).forEach((attestation, at) => {
      checkAttestation(attestation, `${where}: attestation ${at}`);
    });
  });
  checkTexts(value, "provenance");
  return value as unknown as Provenance;
}

/** The provenance of attestations that a user sent with a file. */
export const provenanceOf = (
  publisher: Publisher,
  attestations: readonly Attestation[],
): Provenance => ({ version: 1, attestation_bundles: [{ publisher, attestations }] });

/** Identity of a provenance: SHA-256 over its JSON with sorted keys (plugin-python §3). */
export const provenanceSha256 = (provenance: Provenance): Buffer =>
  createHash("sha256")
    .update(pythonJson(sorted(provenance as unknown as Json)))
    .digest();

function sorted(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map(sorted);
  const entries = Object.entries(value).map(([key, member]) => [key, sorted(member)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `Array.isArray` does not tell read-only arrays from the other objects. */
const isList = (value: object): value is readonly Json[] => Array.isArray(value);

function parseJson(text: string): unknown {
  const problem = scanJson(text, MAX_DEPTH);
  if (problem?.kind === "depth") throw new InvalidAttestation("the JSON is nested too deeply");
  if (problem) throw new InvalidAttestation(`the key ${JSON.stringify(problem.key)} occurs twice`);
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidAttestation("the text is no JSON");
  }
}

function checkAttestation(value: unknown, where: string): void {
  const attestation = objectAt(value, where);
  checkVersion(attestation, where);
  if (attestation.verification_material !== null)
    checkMaterial(attestation.verification_material, where);
  const envelope = objectAt(attestation.envelope, `${where}: envelope`);
  base64At(envelope.statement, `${where}: statement`);
  base64At(envelope.signature, `${where}: signature`);
}

function checkMaterial(value: unknown, where: string): void {
  const material = objectAt(value, `${where}: verification_material`);
  base64At(material.certificate, `${where}: certificate`);
  const entries = listAt(material.transparency_entries, `${where}: transparency_entries`);
  if (entries.length === 0)
    throw new InvalidAttestation(`${where}: transparency_entries has no entry`);
  for (const entry of entries) objectAt(entry, `${where}: transparency_entries`);
}

function checkVersion({ version }: Readonly<Record<string, unknown>>, where: string): void {
  if (version !== 1) throw new InvalidAttestation(`${where}: version is not 1`);
}

function objectAt(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new InvalidAttestation(`${where} is not an object`);
  return value as Readonly<Record<string, unknown>>;
}

function listAt(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new InvalidAttestation(`${where} is not a list`);
  return value;
}

function textAt(value: unknown, where: string): string {
  if (typeof value !== "string") throw new InvalidAttestation(`${where} is not a text`);
  return value;
}

function base64At(value: unknown, where: string): void {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(textAt(value, where).replaceAll(/\s/g, "")))
    throw new InvalidAttestation(`${where} is not base64`);
}

/** Texts that the database cannot hold. */
function checkTexts(value: unknown, where: string): void {
  if (typeof value === "string") {
    if (value.includes("\0") || !value.isWellFormed())
      throw new InvalidAttestation(`${where} holds characters that no text may have`);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    checkTexts(key, where);
    checkTexts(member, where);
  }
}
