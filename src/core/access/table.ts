import type { Generated, Stamped, Timestamp } from "#platform/db/columns.ts";

export interface UserTable {
  readonly id: Generated<number>;
  readonly username: string;
  /** `pbkdf2_sha256$<iterations>$<salt>$<base64>`; a leading `!` marks it unusable. */
  readonly password: string;
  readonly first_name: Generated<string>;
  readonly last_name: Generated<string>;
  readonly email: Generated<string>;
  readonly is_staff: Generated<boolean>;
  readonly is_active: Generated<boolean>;
  readonly is_superuser: Generated<boolean>;
  readonly date_joined: Stamped;
  readonly last_login: Timestamp | null;
}

export interface SessionTable {
  /** SHA-256 of the value of the cookie. */
  readonly id: Buffer;
  readonly app_user: number;
  /** Administrator who acts as that user. */
  readonly actor: Generated<number | null>;
  readonly created: Stamped;
  readonly expires: Timestamp;
}

export interface GroupTable {
  readonly id: Generated<number>;
  readonly name: string;
}

export interface GroupMemberTable {
  readonly app_group: number;
  readonly app_user: number;
}

export interface ObjectKindTable {
  readonly num: number;
  readonly name: string;
}

export interface RoleTable {
  readonly num: Generated<number>;
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly locked: Generated<boolean>;
  readonly created: Stamped;
  readonly updated: Stamped;
}

export interface RolePermissionTable {
  readonly role: number;
  readonly permission: string;
}

/** Model level: no kind, domain, object. Domain level: domain only. Object level: all three. */
export interface RoleAssignmentTable {
  readonly id: string;
  /** User id, or minus the group id. */
  readonly subject: number;
  readonly role: number;
  readonly kind: number | null;
  readonly domain: number | null;
  readonly object: string | null;
  readonly created: Stamped;
  readonly updated: Stamped;
}

/** A token of a user; its text is stored nowhere. */
export interface ApiTokenTable {
  readonly id: string;
  readonly owner: number;
  readonly name: string;
  /** SHA-256 of the whole token. */
  readonly hash: Buffer;
  readonly scopes: readonly string[];
  /** Names; null is every domain. */
  readonly domains: readonly string[] | null;
  /** PRNs; null is every object. */
  readonly objects: readonly string[] | null;
  /** Whose token it was exchanged for; null if a user made it. */
  readonly issuer: string | null;
  readonly created: Stamped;
  readonly expires: Timestamp | null;
  /** At most a minute old. */
  readonly last_used: Generated<Timestamp | null>;
  readonly revoked: Generated<Timestamp | null>;
}

/** Tokens of other issuers that were exchanged, until nobody would accept them. */
export interface ExchangedJwtTable {
  readonly hash: Buffer;
  readonly expires: Timestamp;
}
