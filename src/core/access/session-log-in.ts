import { sha256 } from "#base/digests.ts";
import type { Ctx, User } from "../ctx.ts";
import { staffMark } from "./log-in.ts";
import { RecentUsers } from "./recent-users.ts";

interface SessionRow {
  readonly id: number;
  readonly username: string;
  readonly is_superuser: boolean;
  readonly is_staff: boolean;
}

const bySession = {
  name: "user by session",
  text: `select u.id, u.username, u.is_staff, u.is_superuser from session s join app_user u on u.id = s.app_user
    where s.id = $1 and s.expires > clock_timestamp() and u.is_active`,
};

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
      const { id: user, username, is_superuser: isSuperuser } = row;
      return { id: user, username, isSuperuser, isActive: true, ...staffMark(row.is_staff) };
    });
  }
}
