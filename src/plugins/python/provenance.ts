import { fieldError } from "#base/errors.ts";
import { prn } from "#base/prn.ts";
import type { Caller, Ctx } from "#sdk";
import {
  InvalidAttestation,
  type Provenance,
  parseAttestations,
  provenanceOf,
  provenanceSha256,
} from "./attestations.ts";
import { type Subject, VerificationFailure, verifyProvenance } from "./verify-attestations.ts";

/** Columns of `python_provenance`. */
export interface ProvenanceRow {
  /** `content.id` of the package. */
  readonly package: string;
  readonly sha256: Buffer;
  readonly provenance: Provenance;
  readonly [column: string]: unknown;
}

/** What a provenance is as a unit, once the package has an id. */
export const provenanceRow = (packageId: string, provenance: Provenance): ProvenanceRow => ({
  package: packageId,
  sha256: provenanceSha256(provenance),
  provenance,
});

/**
 * Makes the provenance of attestations that a user sends with a file (plugin-python §5.2).
 *
 * @param value list, or JSON text of one.
 * @param invalid how the text about malformed attestations begins: endpoints differ in it.
 * @throws `ValidationError` under `attestations`: malformed, or not about the file.
 */
export async function attestedProvenance(
  ctx: Pick<Ctx, "settings" | "log">,
  { user }: Pick<Caller, "user">,
  {
    value,
    subject,
    invalid = "Invalid attestations",
  }: { readonly value: unknown; readonly subject: Subject; readonly invalid?: string },
): Promise<Provenance> {
  const publisher = { kind: "Pulp User", prn: user ? prn("auth.User", user.id) : null };
  try {
    const provenance = provenanceOf(publisher, parseAttestations(value));
    return await verifyProvenance(ctx, provenance, subject);
  } catch (error) {
    if (error instanceof InvalidAttestation)
      throw fieldError("attestations", `${invalid}: ${error.message}`);
    if (error instanceof VerificationFailure)
      throw fieldError("attestations", `Attestations failed verification: ${error.message}`);
    throw error;
  }
}
