import { timingSafeEqual } from "node:crypto";
import { sha256 } from "./digests.ts";

/** Whether two texts are equal, in a time that tells nothing about where they differ. */
export const isSameText = (one: string, other: string): boolean =>
  timingSafeEqual(sha256(one), sha256(other));
