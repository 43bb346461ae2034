/** An object that roles are given on. */
export interface RoleObject {
  /** `core.task` */
  readonly model: string;
  readonly id: string;
  /** `domain.num` of the object. */
  readonly domain: number;
  /** A permission that the user who asks is known to have on it. */
  readonly known?: string;
}

/** Who gets or loses a role, by name. */
export interface RoleGrant {
  readonly role: string;
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

/** A role of the administrator's own. */
export interface RoleValues {
  readonly name?: string;
  readonly description?: string | null;
  /** `core.view_task`, …; the order says nothing. */
  readonly permissions?: readonly string[];
}

/** One role that a user or group gets: everywhere, in a domain, or on an object. */
export interface NewAssignment {
  /** User id, or minus the group id. */
  readonly subject: number;
  /** Name. */
  readonly role: string;
  /** `domain.num` */
  readonly domain?: number;
  readonly object?: RoleObject;
}

/** Columns of a user that clients set; `password` is plain text, null is "no log-in by password". */
export interface UserValues {
  readonly username?: string;
  readonly password?: string | null;
  readonly first_name?: string;
  readonly last_name?: string;
  readonly email?: string;
  readonly is_staff?: boolean;
  readonly is_active?: boolean;
}

/** What one user may do by roles of the user and the user's groups (core-rest §7.1). */
export interface Rights {
  readonly isSuperuser: boolean;
  /** User id and minus the ids of the groups: who the user is in `role_assignment`. */
  readonly subjects: readonly number[];
  /** Names of the groups. */
  readonly groups: readonly string[];
  /** By roles given everywhere. */
  onModel(permission: string): boolean;
  /** By roles given in the domain of the request; without domains there are none. */
  onDomain(permission: string): boolean;
  /** Any of the permissions, by roles given on the object. */
  onObject(permissions: readonly string[], object: RoleObject): Promise<boolean>;
}

/** A log-in of a browser that has just begun. */
export interface NewSession {
  /** Value of the cookie: 32 random bytes as base64url. */
  readonly secret: string;
  readonly maxAgeSeconds: number;
}
