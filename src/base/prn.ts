/**
 * Pulp Resource Names, `prn:<component>.<model in lower case>:<id>` (core-rest §1.4), and the
 * pseudo-resources that only serve as task locks, `pdrn:<domain uuid>:<topic>`.
 */
export interface Prn {
  /** `file.filerepository` */
  readonly model: string;
  /** UUID, or the decimal id of a user or group. */
  readonly id: string;
}

/** @param model `file.FileRepository`, in any case. */
export const prn = (model: string, id: string | number): string =>
  `prn:${model.toLowerCase()}:${id}`;

/** Undefined unless the text has exactly the three parts of a PRN. */
export function parsePrn(text: string): Prn | undefined {
  const [scheme, model, id, ...rest] = text.split(":");
  if (scheme !== "prn" || !model || !id || rest.length > 0) return undefined;
  return { model, id };
}

export type LockTopic =
  | "orphans"
  | "repair"
  | "distributions"
  | "distribution.base_path"
  | "reclaim_space"
  | "servers";

export const pdrn = (domainId: string, topic: LockTopic): string => `pdrn:${domainId}:${topic}`;
