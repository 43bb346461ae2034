import { MalformedMessage } from "../format/openpgp.ts";
import { readSimpleSignature, type SimpleSignature } from "../format/simple-signing.ts";

/** What is wrong with a signature that was sent, by field. */
export class SignatureProblem extends Error {
  readonly fields: Readonly<Record<string, readonly string[]>>;

  constructor(field: string, text: string) {
    super(`${field}: ${text}`);
    this.fields = { [field]: [text] };
  }
}

const NAME = /^sha256:[0-9a-f]{64}@[0-9a-f]{32}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export interface SentSignature {
  readonly signature: SimpleSignature;
  /** The OpenPGP message. */
  readonly bytes: Buffer;
}

/**
 * Reads the one signature of a PUT (plugin-container §7.11).
 *
 * @param digest of the manifest that it is sent for, and has to be about.
 * @throws `SignatureProblem`
 */
export function sentSignature(body: Buffer, digest: string): SentSignature {
  const { schemaVersion, type, name, content } = objectOf(body);
  if (schemaVersion !== 2) throw new SignatureProblem("schemaVersion", "It has to be 2.");
  if (type !== "atomic") throw new SignatureProblem("type", "It has to be 'atomic'.");
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new SignatureProblem("name", "It has to be <manifest digest>@<32 hexadecimal digits>.");
  }
  if (typeof content !== "string" || content === "" || !BASE64.test(content)) {
    throw new SignatureProblem("content", "It has to be Base64.");
  }
  const bytes = Buffer.from(content, "base64");
  const signature = readOrRefuse(bytes);
  if (signature.manifest !== digest) {
    throw new SignatureProblem("content", "It is about another manifest.");
  }
  return { signature, bytes };
}

function objectOf(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Readonly<Record<string, unknown>>;
    }
  } catch {
    // Said below.
  }
  throw new SignatureProblem("non_field_errors", "The body has to be a JSON object.");
}

function readOrRefuse(bytes: Buffer): SimpleSignature {
  try {
    return readSimpleSignature(bytes);
  } catch (error) {
    if (error instanceof MalformedMessage) throw new SignatureProblem("content", error.message);
    throw error;
  }
}
