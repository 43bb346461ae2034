import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type SigningService, signing } from "#sdk";
import { containerErrors } from "../errors.ts";
import { readSimpleSignature, type SimpleSignature } from "../format/simple-signing.ts";

/** Signatures are a few hundred bytes; those of algorithms to come a few thousand. */
const MAX_BYTES = 4_000_000;

export interface SigningWork {
  /** Private folder of this signature. */
  readonly folder: string;
  readonly digest: string;
  readonly body: Buffer;
  /** `<host>/<name>:<tag>`: what the image is called where it is signed. */
  readonly reference: string;
  readonly signal: AbortSignal;
}

export interface Signed {
  readonly bytes: Buffer;
  readonly signature: SimpleSignature;
}

/**
 * Has a program sign a manifest (plugin-container §4.5).
 *
 * @throws what `signing.run` throws; `containerErrors.badSignature` if what it made is no signature
 *   over this manifest.
 */
export async function signManifest(
  service: Pick<SigningService, "name" | "script" | "fingerprint">,
  { folder, digest, body, reference, signal }: SigningWork,
): Promise<Signed> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "manifest");
  const signaturePath = join(folder, "signature");
  await writeFile(file, body);
  const env = { REFERENCE: reference, SIG_PATH: signaturePath };
  const told = await signing.run(service, { file, env, signal });
  const path = typeof told.signature_path === "string" ? told.signature_path : signaturePath;
  const { size } = await stat(path);
  if (size > MAX_BYTES) throw containerErrors.badSignature(service.name, "it is too large.");
  const bytes = await readFile(path);
  if (path !== signaturePath) await writeFile(signaturePath, bytes);
  const signature = parsed(service.name, bytes);
  if (signature.manifest !== digest)
    throw containerErrors.badSignature(service.name, `it is over ${signature.manifest}.`);
  return { bytes, signature };
}

function parsed(service: string, bytes: Buffer): SimpleSignature {
  try {
    return readSimpleSignature(bytes);
  } catch (error) {
    throw containerErrors.badSignature(service, error instanceof Error ? error.message : "");
  }
}
