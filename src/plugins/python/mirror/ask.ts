import { askUpstream, type RemoteSession } from "#sdk";
import { mirrorErrors } from "./errors.ts";

export type UpstreamAnswer = Awaited<ReturnType<RemoteSession["get"]>>;

/** What asks: a remote that is opened, or a lease of one. */
export type Asker = Parameters<typeof askUpstream>[0];

/**
 * Asks an index, again where the failure may pass, and reads its answer.
 *
 * @param read gets answers below 500 but 429; the body is destroyed when it returns.
 * @throws a `PLPnnnn` error, `mirrorErrors.status`, or what `read` throws.
 */
export const askIndex = <Answer>(
  remote: Asker,
  question: Parameters<typeof askUpstream>[1],
  read: (answer: UpstreamAnswer) => Promise<Answer>,
): Promise<Answer> => askUpstream(remote, question, { read, refusal: statusError });

/** That the answer is not what was asked for. */
export const statusError = ({ status, reason, url }: UpstreamAnswer) =>
  mirrorErrors.status(status, reason, url.split("?")[0] ?? "");
