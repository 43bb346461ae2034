import { createHash } from "node:crypto";
import { createBLAKE2b } from "hash-wasm";
import { ValidationError } from "#base/errors.ts";
import { choice, type Field, FieldProblem, type saveArtifacts, text, type Values } from "#sdk";
import { extensionText, packageTypeOf } from "../format/filename.ts";

type StorableFile = Parameters<typeof saveArtifacts>[2][number];

/** A file as the form brought it; nothing of it is stored yet. */
export interface UploadedFile extends StorableFile {
  /** What the sender calls it. */
  readonly filename?: string;
}

/** What an upload asks for, checked. */
export interface UploadForm {
  readonly file: UploadedFile;
  readonly filename: string;
  /** JSON, or the text of it, as it came. */
  readonly attestations: unknown;
}

const HEX = "^[0-9A-Fa-f]+$";
const hexDigest = (length: number, options: Partial<Field> = {}): Field =>
  text({ ...options, check: (value: string) => checkLength(value, length) });

function checkLength(value: string, length: number): string {
  if (value.length < length)
    throw new FieldProblem(`Ensure this field has at least ${length} characters.`);
  if (value.length > length)
    throw new FieldProblem(`Ensure this field has no more than ${length} characters.`);
  if (!new RegExp(HEX).test(value)) throw new FieldProblem("A hexadecimal digest is expected.");
  return value.toLowerCase();
}

const action = text({ default: "file_upload", check: checkAction });

function checkAction(value: string): string {
  if (value !== "file_upload") {
    throw new FieldProblem(`We do not support the :action ${value}`);
  }
  return value;
}

const METADATA_VERSIONS = ["1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5"];

/** The parts that count; clients send many more (plugin-python §6.5.1). */
export const uploadBody = {
  schema: "PackageUpload",
  hasFile: true,
  isLenient: true,
  fields: {
    content: { schema: { type: "string", format: "binary" }, required: true } as Field,
    action,
    ":action": action,
    sha256_digest: hexDigest(64, { required: true }),
    md5_digest: hexDigest(32),
    blake2_256_digest: hexDigest(64),
    protocol_version: choice(["1"], { default: "1" }),
    filetype: choice(["bdist_wheel", "sdist"]),
    metadata_version: choice(METADATA_VERSIONS),
    attestations: { schema: {} } as Field,
  },
};

/**
 * Checks what the fields say about the file (plugin-python §6.5.1).
 *
 * @throws `ValidationError` by field.
 */
export async function readUpload(values: Values): Promise<UploadForm> {
  const file = values.content as UploadedFile;
  const filename = file.filename ?? "";
  const type = packageTypeOf(filename);
  if (type === undefined) throw new ValidationError({ content: [extensionText(filename)] });
  if (values.filetype !== undefined && values.filetype !== type) {
    const problem = `filetype ${values.filetype} does not match found filetype ${type} for file ${filename}`;
    throw new ValidationError({ filetype: [problem] });
  }
  await checkDigests(file, values);
  return { file, filename, attestations: values.attestations };
}

/** Digests by field; those that are not given are not worked out. */
async function checkDigests(file: UploadedFile, values: Values): Promise<void> {
  const wrong = (field: string) =>
    new ValidationError({ [field]: [`The ${NAMES[field]} checksum did not match.`] });
  if (values.sha256_digest !== file.sealed.digests.sha256) throw wrong("sha256_digest");
  for (const [field, start] of Object.entries(OTHERS)) {
    if (values[field] === undefined) continue;
    if ((await digestOf(file, await start())) !== values[field]) throw wrong(field);
  }
}

const NAMES: Readonly<Record<string, string>> = {
  sha256_digest: "sha256",
  md5_digest: "md5",
  blake2_256_digest: "blake2_256",
};

interface Hash {
  update(bytes: Buffer): unknown;
  digest(encoding: "hex"): string;
}

/** Digests that the store does not work out by itself. */
const OTHERS: Readonly<Record<string, () => Hash | Promise<Hash>>> = {
  md5_digest: () => createHash("md5"),
  blake2_256_digest: async () => (await createBLAKE2b(256)).init(),
};

const CHUNK_BYTES = 262_144;

async function digestOf({ file, sealed }: UploadedFile, hash: Hash): Promise<string> {
  for (let at = 0; at < sealed.sizeBytes; at += CHUNK_BYTES) {
    hash.update(await file.read(at, Math.min(CHUNK_BYTES, sealed.sizeBytes - at)));
  }
  return hash.digest("hex");
}
