import { createHash } from "node:crypto";

/** What accounts are looked up by. @param canonical as `canonicalDn` gives it. */
export const dnDigest = (canonical: string): Buffer =>
  createHash("sha256").update(canonical).digest();
