/** An object that roles are given on. */
export interface RoleObject {
  /** `core.task` */
  readonly model: string;
  readonly id: string;
  /** `domain.num` of the object. */
  readonly domain: number;
}

/** Who gets or loses a role, by name. */
export interface RoleGrant {
  readonly role: string;
  readonly users: readonly string[];
  readonly groups: readonly string[];
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
