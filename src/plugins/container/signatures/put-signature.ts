import { commitPush } from "../commit.ts";
import { sendEmpty } from "../registry/answers.ts";
import { RegistryError, registryErrors } from "../registry/errors.ts";
import { manifestByDigest } from "../registry/manifest-queries.ts";
import { patiently } from "../registry/patience.ts";
import { type Registry, type RepositoryVisit, recordChange } from "../registry/registry.ts";
import { callerOf, pushTarget, type Target } from "../registry/target.ts";
import { readSmall } from "../registry/uploads/body.ts";
import { saveSignatures } from "../save.ts";
import { type SentSignature, SignatureProblem, sentSignature } from "./signature-body.ts";
import { MOST_BYTES, MOST_SIGNATURES, signaturesOf } from "./stored-signatures.ts";

/** Of a body; signatures have a few hundred bytes. */
const BODY_BYTES = 4_000_000;

/** PUT of one signature, which is in a version of the repository once it is answered. */
export async function putSignature(
  registry: Registry,
  visit: RepositoryVisit,
  digest: string,
): Promise<void> {
  const sent = await readOrRefuse(visit, digest);
  const target = await pushTarget(registry, visit, { mayCreate: false });
  await patiently(() => persist(registry, visit, { target, sent, digest }));
  registry.memory.outdateRepository(target.repository.id);
  const operation = "registry_signature_push";
  await recordChange(registry, visit, { operation, status: 201, place: target.place });
  const location = `${visit.prefix}extensions/v2/${visit.name.full}/signatures/${digest}`;
  sendEmpty(visit, 201, { Location: location });
}

async function readOrRefuse(visit: RepositoryVisit, digest: string): Promise<SentSignature> {
  try {
    return sentSignature(await bodyOf(visit, digest), digest);
  } catch (error) {
    if (error instanceof SignatureProblem) throw invalid(digest, 400, error.fields);
    throw error;
  }
}

const invalid = (digest: string, status: number, fields: SignatureProblem["fields"]) =>
  new RegistryError(status, {
    code: "SIGNATURE_INVALID",
    message: "signature invalid",
    detail: { manifest_digest: digest, ...fields },
  });

const bodyOf = ({ exchange }: RepositoryVisit, digest: string): Promise<Buffer> =>
  readSmall(exchange.request, BODY_BYTES, () =>
    invalid(digest, 413, { non_field_errors: [`A signature has at most ${BODY_BYTES} bytes.`] }),
  );

interface Wanted {
  readonly target: Target;
  readonly sent: SentSignature;
  readonly digest: string;
}

async function persist(
  { ctx, memory }: Registry,
  visit: RepositoryVisit,
  { target, sent: { signature, bytes }, digest }: Wanted,
): Promise<void> {
  // Another process may have made a version since.
  const place = (await memory.freshPlace(visit.name)) ?? target.place;
  const { domain } = place;
  const manifest = await manifestByDigest(ctx, place, digest);
  if (!manifest) throw registryErrors.manifestUnknown(digest);
  const others = await signaturesOf(ctx, place, manifest.id);
  const name = `${digest}@${signature.digest.slice("sha256:".length, "sha256:".length + 32)}`;
  if (others.some((other) => other.name === name)) return;
  const size = others.reduce((sum, { body }) => sum + body.length, bytes.length);
  if (others.length >= MOST_SIGNATURES || size > MOST_BYTES) {
    const text = "The manifest has too many signatures.";
    throw invalid(digest, 400, { non_field_errors: [text] });
  }
  const { keyId, fingerprint, timestamp, creator } = signature;
  const row = { name, digest: signature.digest, keyId, fingerprint, timestamp, creator };
  const [saved] = await saveSignatures(ctx, domain, {
    signatures: [{ ...row, manifest: manifest.id, body: bytes }],
  });
  if (!saved) throw new Error("A signature was not saved.");
  const caller = callerOf(visit, place);
  await commitPush(ctx, target.repository.id, { caller, add: [saved.id] });
}
