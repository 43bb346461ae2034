import type { Ctx, User } from "../ctx.ts";
import { staffMark } from "./log-in.ts";
import { RecentUsers } from "./recent-users.ts";

interface NamedRow {
  readonly id: number;
  readonly username: string;
  readonly is_superuser: boolean;
  readonly is_staff: boolean;
  readonly token: string | null;
  readonly scopes: readonly string[];
  readonly domains: readonly string[] | null;
  readonly objects: readonly string[] | null;
}

const byNameAndToken = {
  name: "active user by name and token",
  text: `select u.id, u.username, u.is_staff, u.is_superuser, t.id as token, t.scopes, t.domains, t.objects
    from app_user u left join api_token t on t.owner = u.id and t.id = $2::uuid
      and t.revoked is null and coalesce(t.expires > clock_timestamp(), true)
    where u.username = $1 and u.is_active and ($2::uuid is null or t.id is not null)`,
};

/** Active users by name, limited by an API token of theirs where its id is given. */
export interface NamedUsers {
  find(name: string, token?: string): Promise<User | undefined>;
  /** Only who was found in the last seconds, without a statement. */
  known(name: string, token?: string): User | undefined;
}

/** What another process ends is noticed within five seconds. */
export function namedUsers(ctx: Ctx): NamedUsers {
  const recent = new RecentUsers(ctx);
  return {
    find: (name, token) =>
      recent.find(keyOf(name, token), async () => {
        const [row] = await ctx.hot.query<NamedRow>(byNameAndToken, [name, token ?? null]);
        return row && userOf(row);
      }),
    known: (name, token) => recent.known(keyOf(name, token)),
  };
}

const keyOf = (name: string, token = ""): string => `${token} ${name}`;

function userOf(row: NamedRow): User {
  const { id, username, is_superuser: isSuperuser, token, scopes, domains, objects } = row;
  const user = { id, username, isSuperuser, isActive: true, ...staffMark(row.is_staff) };
  if (token === null) return user;
  const scope = {
    permissions: scopes,
    ...(domains ? { domains } : {}),
    ...(objects ? { objects } : {}),
  };
  return { ...user, scope, tokenId: token };
}
