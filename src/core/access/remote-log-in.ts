import type { Ctx, User } from "../ctx.ts";
import { staffMark } from "./log-in.ts";
import { unusablePassword } from "./passwords.ts";
import { RecentUsers } from "./recent-users.ts";

interface UserRow {
  readonly id: number;
  readonly username: string;
  readonly is_active: boolean;
  readonly is_superuser: boolean;
  readonly is_staff: boolean;
}

const byName = {
  name: "remote user by name",
  text: "select id, username, is_active, is_staff, is_superuser from app_user where username = $1",
};

const adopted = {
  name: "remote user made",
  text: `insert into app_user (username, password) values ($1, $2)
    on conflict (username) do nothing returning id, username, is_active, is_staff, is_superuser`,
};

/** A user whom somebody in front of us has authenticated. */
export interface RemoteName {
  readonly name: string;
  /** Path and query of the request, for the log. */
  readonly route: string;
}

/** Users by the name that a trusted proxy gives (core-rest §5, service §4). */
export class RemoteLogIn {
  readonly #ctx: Ctx;
  readonly #recent: RecentUsers;
  readonly #creates: boolean;

  constructor(ctx: Ctx, { creates }: { readonly creates: boolean }) {
    this.#ctx = ctx;
    this.#recent = new RecentUsers(ctx);
    this.#creates = creates;
  }

  /** The user, active or not; undefined if there is none and none may be made. */
  user({ name, route }: RemoteName): Promise<User | undefined> {
    return this.#recent.find(
      name,
      async () => (await this.#known(name)) ?? this.#make(name, route),
    );
  }

  async #known(name: string): Promise<User | undefined> {
    const [row] = await this.#ctx.hot.query<UserRow>(byName, [name]);
    return row ? userOf(row) : undefined;
  }

  async #make(name: string, route: string): Promise<User | undefined> {
    if (!this.#creates) return undefined;
    const [row] = await this.#ctx.hot.query<UserRow>(adopted, [name, unusablePassword()]);
    // Another request has made it in between.
    if (!row) return this.#known(name);
    this.#ctx.log.info(`New user created: username=${name}, route=${route}`);
    return userOf(row);
  }
}

const userOf = ({ id, username, is_active, is_staff, is_superuser }: UserRow): User => ({
  ...{ id, username, isSuperuser: is_superuser, isActive: is_active },
  ...staffMark(is_staff),
});
