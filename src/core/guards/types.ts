import type { DomainRef } from "../ctx.ts";
import type { EntityModel } from "../plugin-contract.ts";

/** A guard type of the core. */
export interface GuardModel extends EntityModel {
  readonly family: "content_guard";
}

/** What a guard of some type has beyond its name; only its own type's key is given. */
export interface GuardDetails {
  readonly header?: HeaderRule;
  /** Ids of the members of a composite, in the order of asking. */
  readonly members?: readonly string[];
}

export interface HeaderRule {
  readonly header_name: string;
  readonly header_value: string;
  /** jq program over the decoded value, which is JSON then; null compares the whole value. */
  readonly jq_filter: string | null;
}

export interface NewGuard extends GuardDetails {
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
export interface GuardPatch {
  readonly name?: string;
  readonly description?: string | null;
  readonly header?: Partial<HeaderRule>;
  readonly members?: readonly string[];
}

/** One member of a composite, with what a refusal tells of it. */
export interface GuardMember {
  readonly id: string;
  readonly type: string;
  readonly name: string;
}
