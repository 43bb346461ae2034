import { sha256 } from "#base/digests.ts";
import type { Ctx, User } from "../ctx.ts";
import { staffMark } from "./log-in.ts";
import { RecentUsers } from "./recent-users.ts";

interface SessionRow {
  readonly id: number;
  readonly username: string;
  readonly is_superuser: boolean;
  readonly is_staff: boolean;
  readonly actor: string | null;
}

const bySession = {
  name: "user by session",
  text: `select u.id, u.username, u.is_staff, u.is_superuser, a.username as actor
    from session s join app_user u on u.id = s.app_user left join app_user a on a.id = s.actor
    where s.id = $1 and s.expires > clock_timestamp() and u.is_active
      and (s.actor is null or a.is_active and a.is_superuser)`,
};

const logIns = new WeakMap<Ctx["hot"], SessionLogIn>();

/** One for all that a process asks. */
export function sessionLogInOf(ctx: Ctx): SessionLogIn {
  const known = logIns.get(ctx.hot) ?? new SessionLogIn(ctx);
  logIns.set(ctx.hot, known);
  return known;
}

/** Who a session belongs to (core-rest §5); a session that has ended is refused within 5 seconds. */
export class SessionLogIn {
  readonly #ctx: Ctx;
  readonly #recent: RecentUsers;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    this.#recent = new RecentUsers(ctx);
  }

  /** Undefined if there is no such session, it has ended, or its user is not active. */
  async user(secret: string): Promise<User | undefined> {
    const id = sha256(secret);
    return this.#recent.find(id.toString("base64"), async () => {
      const [row] = await this.#ctx.hot.query<SessionRow>(bySession, [id]);
      if (!row) return undefined;
      const { id: user, username, is_superuser: isSuperuser, actor } = row;
      const staff = staffMark(row.is_staff);
      const known = { id: user, username, isSuperuser, isActive: true, ...staff };
      return actor === null ? known : { ...known, actor };
    });
  }
}
