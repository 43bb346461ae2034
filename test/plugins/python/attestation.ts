import type { Distribution } from "./distributions.ts";

/** An attestation that is about a file, signed by nobody. */
export function attestation({
  filename,
  sha256,
}: Pick<Distribution, "filename" | "sha256">): object {
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: filename, digest: { sha256 } }],
    predicateType: "https://docs.pypi.org/attestations/publish/v1",
    predicate: null,
  };
  return {
    version: 1,
    verification_material: { certificate: "", transparency_entries: [{ logIndex: "1" }] },
    envelope: {
      statement: Buffer.from(JSON.stringify(statement)).toString("base64"),
      signature: "AAAA",
    },
  };
}
