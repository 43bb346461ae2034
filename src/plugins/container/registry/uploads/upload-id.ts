import { hash } from "node:crypto";
import { uuid7 } from "#base/uuid7.ts";
import type { UploadKey } from "./session-rows.ts";

/**
 * Ids of uploads say themselves for whom and where they were begun, so that nothing has to be written
 * until bytes come. That is a check and no secret: whoever could make one up may begin an upload anyway.
 */

type Owner = Omit<UploadKey, "id">;

const CHECK_DIGITS = 8;
/** Digits of the milliseconds since 1970, with the dash between them. */
const TIME_CHARACTERS = 13;
/** Clocks of two processes may differ by so much. */
const SKEW_MS = 60_000;

/** A UUID of version 7 whose last 32 bits check the others and whose it is. */
export function newUploadId(owner: Owner, nowMs: number): string {
  const own = uuid7(nowMs).slice(0, -CHECK_DIGITS);
  return `${own}${checkOf(own, owner)}`;
}

/** Whether some process has begun this upload in the last so many milliseconds. */
export function wasIssued(
  { id, ...owner }: UploadKey,
  { nowMs, forMs }: { readonly nowMs: number; readonly forMs: number },
): boolean {
  const own = id.slice(0, -CHECK_DIGITS);
  if (id.slice(-CHECK_DIGITS) !== checkOf(own, owner)) return false;
  const issuedMs = Number.parseInt(own.slice(0, TIME_CHARACTERS).replace("-", ""), 16);
  return issuedMs <= nowMs + SKEW_MS && nowMs < issuedMs + forMs;
}

const checkOf = (own: string, { domain, repository, owner }: Owner): string =>
  hash("sha256", `${own} ${domain} ${repository} ${owner}`).slice(0, CHECK_DIGITS);
