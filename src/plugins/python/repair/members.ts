import { sql, type VersionRef } from "#sdk";

/** What became of some packages. */
export interface Repaired {
  /** Packages that have the right metadata now. */
  readonly read: number;
  /** Packages about which nothing could be learned. */
  readonly unread: readonly Package[];
  /** Of those that were read, the ones that had wrong metadata. */
  readonly changed: number;
  /** Files of metadata that were made or put right. */
  readonly metadata: number;
}

/** A package as people know it. */
export interface Package {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly filename: string;
}

/** `from` with the packages `p` of a version and their memberships `m`. */
export const membersOf = ({ number, repository }: VersionRef) => sql`
  from membership m
  join python_package p on m.repository = ${repository.num} and m.domain = ${repository.domain}
    and m.added <= ${number} and m.removed > ${number} and p.domain = m.domain and p.id = m.content`;
