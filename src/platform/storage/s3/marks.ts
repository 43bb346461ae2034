import { ambient } from "#base/ambient.ts";
import type { SealedFile } from "../storage.ts";

/** Metadata of an object: `x-amz-meta-…`. */
export type Marks = Readonly<Record<string, string>>;

/** Says in the bucket what an object is, for whom, and what put it there (service §16). */
export function marksOf({ digests }: SealedFile, domain = "default"): Marks {
  const { correlationId = "" } = ambient() ?? {};
  return {
    "pulp-domain": domain,
    "pulp-sha256": digests.sha256,
    ...(correlationId === "" ? {} : { "pulp-correlation-id": correlationId }),
  };
}
