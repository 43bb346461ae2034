import type { Ctx } from "../ctx.ts";
import type { Credentials } from "./credentials.ts";
import { knownUser, type LogIn, type UserRow } from "./log-in.ts";
import { tokenHash } from "./token-text.ts";

interface TokenRow extends UserRow {
  readonly token: string;
  readonly scopes: readonly string[];
  readonly domains: readonly string[] | null;
  readonly objects: readonly string[] | null;
  readonly is_expired: boolean;
  readonly is_revoked: boolean;
  /** The name that came with it is that of another user. */
  readonly is_of_other: boolean;
  /** `last_used` is a minute old. */
  readonly is_rare: boolean;
}

/** Looked up by its hash: how long that takes tells nothing about any token. */
const byHash = {
  name: "token by hash",
  text: `select t.id as token, t.scopes, t.domains, t.objects,
      coalesce(t.expires <= clock_timestamp(), false) as is_expired,
      t.revoked is not null as is_revoked,
      u.username <> $2 and exists (select from app_user o where o.username = $2) as is_of_other,
      coalesce(t.last_used < clock_timestamp() - interval '1 minute', true) as is_rare,
      u.id, u.username, u.password, u.is_active, u.is_staff, u.is_superuser
    from api_token t join app_user u on u.id = t.owner where t.hash = $1`,
};

const markUsed = {
  name: "token used",
  text: `update api_token set last_used = clock_timestamp() where id = $1
    and coalesce(last_used < clock_timestamp() - interval '1 minute', true)`,
};

/** Whom a token stands for. Only who holds the token learns why it is of no use any more. */
export async function logInByToken(
  ctx: Ctx,
  { token, name }: Extract<Credentials, { kind: "token" }>,
): Promise<LogIn> {
  const [row] = await ctx.hot.query<TokenRow>(byHash, [tokenHash(token), name ?? null]);
  if (!row) return { kind: "badToken", why: "There is no such token; it may have been removed." };
  if (row.is_of_other) return { kind: "badToken", why: "It belongs to another user." };
  if (row.is_revoked) return { kind: "badToken", why: "It has been revoked." };
  if (row.is_expired) return { kind: "badToken", why: "It has expired." };
  if (!row.is_active) return { kind: "inactive" };
  if (row.is_rare) await noteUse(ctx, row.token);
  const { scopes, domains, objects } = row;
  const scope = {
    permissions: scopes,
    ...(domains ? { domains } : {}),
    ...(objects ? { objects } : {}),
  };
  return knownUser(row, { scope, tokenId: row.token });
}

/** That it cannot be noted is no reason to refuse. */
async function noteUse(ctx: Ctx, token: string): Promise<void> {
  try {
    await ctx.hot.query(markUsed, [token]);
  } catch (error) {
    ctx.log.warn(`The use of a token cannot be noted: ${error}`);
  }
}
