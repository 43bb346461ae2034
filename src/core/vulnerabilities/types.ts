import type { Json } from "#base/json.ts";

/** A release of a package, as an index or a database of advisories is asked for it. */
export interface Release {
  readonly name: string;
  readonly version: string;
}

/** A unit that is a release. */
export interface HeldRelease extends Release {
  /** `content.id` */
  readonly unit: string;
}

/** What is known about a unit: JSON text of a list of records, `[]` without any. */
export interface Finding {
  /** `content.id` */
  readonly unit: string;
  readonly vulns: string;
}

/** A version of a repository by the numbers that membership uses. */
export interface ReleasedVersion {
  /** `domain.num` */
  readonly domain: number;
  /** `repository.num` */
  readonly repository: number;
  readonly number: number;
}

/** One question to a database of advisories. */
export interface PackageQuery extends Release {
  /** `PyPI`, `npm`, `Red Hat:enterprise_linux:9::baseos`, … */
  readonly ecosystem: string;
}

/** What a database of advisories knows about queries. */
export interface Advisories {
  /** Ids of advisories by query, in the order of the queries; sorted. */
  readonly ids: readonly (readonly string[])[];
  /** Whole advisories by id, as the database has them; one that was taken back is missing. */
  readonly records: ReadonlyMap<string, Json>;
}
