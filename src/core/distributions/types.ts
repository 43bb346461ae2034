import type { Labels } from "#base/labels.ts";
import type { Caller, DomainRef } from "../ctx.ts";

/** At most one of repository, version and publication. */
export interface NewDistribution {
  readonly domain: DomainRef;
  /** `file.file` */
  readonly type: string;
  readonly name: string;
  readonly basePath: string;
  readonly hidden?: boolean;
  readonly checkpoint?: boolean;
  readonly repository?: string | null;
  /** `repository_version.id` */
  readonly version?: string | null;
  readonly publication?: string | null;
  readonly remote?: string | null;
  readonly guard?: string | null;
  readonly labels?: Labels;
  /** Others may lie below its path, and it below that of others. */
  readonly mayNest?: boolean;
  /** On whose behalf, for those who hear of it. */
  readonly by?: Caller;
}

/** Only the fields that are given change; to switch the source the old one is set to null. */
export type DistributionPatch = Partial<
  Omit<NewDistribution, "domain" | "type" | "mayNest" | "by">
>;

/** Which distributions a change may alter, by the id of what changed. */
export type ChangeSelector =
  | { readonly repository: string }
  | { readonly version: string }
  | { readonly publications: readonly string[] }
  | { readonly remote: string }
  | { readonly guard: string }
  | { readonly distributions: readonly string[] }
  /** Every distribution of the domain. */
  | { readonly isWholeDomain: true };

/** Whose served publication is to be written down. */
export type ServedSelector = { readonly repository: string } | { readonly distribution: string };
