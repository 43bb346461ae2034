import type { DomainRef } from "../ctx.ts";
import type { EntityModel } from "../plugin-contract.ts";

/** A guard type of the core. */
export interface GuardModel extends EntityModel {
  readonly family: "content_guard";
}

/** What a guard has beyond its name: columns of a table of its type's own. */
export interface GuardDetail {
  /** Has `id` and `domain`, and goes with the row of `content_guard`: `header_guard`. */
  readonly table: string;
  readonly row: Readonly<Record<string, unknown>>;
}

interface GuardExtras {
  readonly detail?: GuardDetail;
  /** Ids of the guards that it asks, in the order of asking. */
  readonly members?: readonly string[];
}

/** What a header guard asks for. */
export interface HeaderRule {
  readonly header_name: string;
  readonly header_value: string;
  /** jq program over the decoded value, which is JSON then; null compares the whole value. */
  readonly jq_filter: string | null;
}

export interface NewGuard extends GuardExtras {
  readonly domain: DomainRef;
  /** `core.header` */
  readonly type: string;
  readonly name: string;
  readonly description?: string | null;
}

export interface GuardKey {
  readonly domain: DomainRef;
  readonly id: string;
}

/** Only what is given changes. */
export interface GuardPatch extends GuardExtras {
  readonly name?: string;
  readonly description?: string | null;
}

/** One member of a composite, with what a refusal tells of it. */
export interface GuardMember {
  readonly id: string;
  readonly type: string;
  readonly name: string;
}
