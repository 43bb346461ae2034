import type { CodedError } from "#base/errors.ts";
import { askUpstream } from "#sdk";
import { upstreamErrors } from "./errors.ts";
import { shown, type UpstreamAnswer } from "./whole-body.ts";

/** What asks: a remote that is opened, or a lease of one. */
export type Asker = Parameters<typeof askUpstream>[0];

/**
 * Asks a registry, again where the failure may pass, and reads its answer.
 *
 * @param read gets answers below 500 but 429; the body is destroyed when it returns.
 * @throws a `PLPnnnn` error, `upstreamErrors.status`, or what `read` throws.
 */
export const askRegistry = <Answer>(
  remote: Asker,
  question: Parameters<typeof askUpstream>[1],
  read: (answer: UpstreamAnswer) => Promise<Answer>,
): Promise<Answer> => askUpstream(remote, question, { read, refusal: statusError });

/** That the answer is not what was asked for. */
export const statusError = ({ status, reason, url }: UpstreamAnswer): CodedError =>
  upstreamErrors.status(status, reason, shown(url));
