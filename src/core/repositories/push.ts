import { defineErrors } from "#base/errors.ts";
import type { Caller, Ctx } from "../ctx.ts";
import type { Job, PushTerms, VersionRef } from "../plugin-contract.ts";

/** Refusals of pushes (service §9.3). */
export const pushErrors = defineErrors({
  denied: { code: "push-denied", status: 403, message: (reason: string) => reason },
  tooLarge: {
    code: "push-size",
    status: 413,
    message: (most: number) => `Upload exceeds the maximum of ${most} bytes.`,
  },
});

/** Where a push goes, and whose it is. */
export interface PushTarget {
  readonly caller: Caller;
  /** `repository.id` */
  readonly repository: string;
}

/** What holds where nobody has anything to say. */
const OPEN: PushTerms = {
  refusal: null,
  maxBytes: null,
  mayOverwrite: null,
  needsAttestation: false,
};

/** What plugins say about pushes to a repository; at most one of them does. */
async function termsOf(ctx: Ctx, target: PushTarget): Promise<PushTerms> {
  for (const { pushGate } of ctx.plugins.all) {
    const terms = await pushGate?.terms(ctx, target);
    if (terms) return terms;
  }
  return OPEN;
}

/** Whether nobody has anything to say, neither now nor when the push is made. */
const areOpen = (terms: PushTerms): boolean => terms === OPEN;

/**
 * Asked by every path that takes a push, before it reads what is pushed: the one place that decides.
 *
 * @throws `pushErrors.denied` (403)
 */
async function admit(ctx: Ctx, target: PushTarget): Promise<PushTerms> {
  const terms = await termsOf(ctx, target);
  if (terms.refusal !== null) throw pushErrors.denied(terms.refusal);
  return terms;
}

/** @throws `pushErrors.tooLarge` (413) */
function checkSize({ maxBytes }: PushTerms, sizeBytes: number): void {
  if (maxBytes !== null && sizeBytes > maxBytes) throw pushErrors.tooLarge(maxBytes);
}

/** Tells plugins of a push that is in the repository, or was there already. */
async function note(ctx: Ctx, repository: string): Promise<{ readonly isPublished: boolean }> {
  let isPublished = false;
  for (const { pushGate } of ctx.plugins.all) {
    const noted = await pushGate?.pushed(ctx, repository);
    isPublished ||= noted?.isPublished === true;
  }
  return { isPublished };
}

/**
 * The same, of a push that a task has made a version of: it is published where that is wanted and the
 * type knows how.
 *
 * @param version undefined if everything was there already.
 */
async function finish(
  job: Job,
  repository: string,
  version: VersionRef | undefined,
): Promise<void> {
  const { isPublished } = await note(job.ctx, repository);
  if (!version || !isPublished) return;
  const { publish } = job.ctx.plugins.repositoryType(version.repository.type);
  if (publish && !(await hasPublication(job.ctx, version))) await publish(job, version);
}

/** Of a repository that publishes by itself there is one already. */
async function hasPublication({ db }: Ctx, version: VersionRef): Promise<boolean> {
  const found = await db
    .selectFrom("publication")
    .select("id")
    .where("domain", "=", version.repository.domain)
    .where("version", "=", version.id)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** For every path that takes pushes: what they may do, and that they were made. */
export const pushes = {
  termsOf,
  areOpen,
  admit,
  checkSize,
  note,
  finish,
  isRefusal: pushErrors.denied.is,
  isTooLarge: pushErrors.tooLarge.is,
} as const;
