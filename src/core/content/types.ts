import type { Digests } from "#base/digests.ts";
import type { Labels } from "#base/labels.ts";
import type { DomainRef } from "../ctx.ts";
import type { ContentType, DetailRow } from "../plugin-contract.ts";

/** Where a remote has a file: what is known of it before it is downloaded. */
export interface FileSource {
  /** `remote.id` */
  readonly remote: string;
  readonly url: string;
  /** Bytes. */
  readonly size?: number;
  /** Lower-case hex. */
  readonly sha256?: string;
  readonly otherDigests?: Digests;
}

/** One file of a unit. */
export interface UnitFile {
  readonly relativePath: string;
  /** `artifact.id`; null while the file is not downloaded. */
  readonly artifact: string | null;
  readonly source?: FileSource;
}

export interface UnitInput {
  /**
   * Columns of the detail table without `id` and `domain`, the same columns in every row of a batch.
   * `bytea` is given as Buffer, `jsonb` as a value (not as JSON text), times as text.
   */
  readonly row: DetailRow;
  /** Set on units that are new; an existing unit keeps its labels. */
  readonly labels?: Labels;
  readonly files: readonly UnitFile[];
}

/** Units of one type, saved together; at most 2 000 make one set of statements. */
export interface UnitBatch {
  readonly domain: DomainRef;
  readonly type: ContentType;
  readonly units: readonly UnitInput[];
  /**
   * They are few and most likely new, and their transaction is short: they are inserted before they
   * are looked for, and counted at once.
   */
  readonly areNew?: boolean;
}

export interface SavedUnit {
  readonly id: string;
  /** Made by this call; of equal units in one batch only the first says so. */
  readonly isNew: boolean;
}
