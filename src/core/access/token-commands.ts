import { sql } from "kysely";
import { fieldError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { Timestamp } from "#platform/db/columns.ts";
import { type ConstraintTable, rethrow } from "../constraints.ts";
import type { Ctx, Executor } from "../ctx.ts";
import type { TokenScope } from "./token-scope.ts";
import { newToken, tokenHash } from "./token-text.ts";
import { announceUserChange } from "./user-changes.ts";

const constraints: ConstraintTable = {
  api_token_name: () => fieldError("name", "This field must be unique."),
};

/** What a new token is to be. */
export interface TokenDraft {
  /** `app_user.id` */
  readonly owner: number;
  /** Unique among the tokens of the owner. */
  readonly name: string;
  readonly scope: TokenScope;
  /** Null never expires. */
  readonly expires: Timestamp | null;
  /** Of the token that it is exchanged for. */
  readonly issuer?: string;
}

export interface NewToken {
  readonly id: string;
  /** Shown now and never again. */
  readonly token: string;
}

/**
 * Makes a token; only its hash is stored.
 *
 * @throws `ValidationError` if the owner has a token of that name.
 */
export async function createToken(
  db: Executor,
  { owner, name, scope, expires, issuer }: TokenDraft,
): Promise<NewToken> {
  const token = newToken();
  const id = uuid7();
  await db
    .insertInto("api_token")
    .values({
      ...{ id, owner, name, expires, issuer: issuer ?? null, hash: tokenHash(token) },
      scopes: [...scope.permissions],
      domains: scope.domains ? [...scope.domains] : null,
      objects: scope.objects ? [...scope.objects] : null,
    })
    .execute()
    .catch(rethrow(constraints));
  return { id, token };
}

/** Tokens that one user has of one issuer: a client that logs in again makes another. */
const MOST_ISSUED = 20;

/**
 * Makes a token for a client that has logged in. Of this user and issuer the newest stay; what has
 * expired goes.
 */
export async function issueToken(
  ctx: Ctx,
  draft: TokenDraft & { readonly issuer: string },
): Promise<NewToken> {
  const { owner, issuer } = draft;
  const made = await ctx.db.transaction().execute(async (trx) => {
    const made = await createToken(trx, draft);
    await sql`delete from api_token where owner = ${owner} and issuer = ${issuer}
      and (expires < clock_timestamp() or id not in (select id from api_token
        where owner = ${owner} and issuer = ${issuer}
        order by created desc, id desc limit ${MOST_ISSUED}))`.execute(trx);
    return made;
  });
  announceUserChange(ctx, owner);
  return made;
}

/** Ends a token for good; the record of it stays. False if there is none that was in force. */
export async function revokeToken(ctx: Ctx, id: string): Promise<boolean> {
  const row = await ctx.db
    .updateTable("api_token")
    .set({ revoked: sql<Timestamp>`clock_timestamp()` })
    .where("id", "=", id)
    .where("revoked", "is", null)
    .returning("owner")
    .executeTakeFirst();
  if (row) announceUserChange(ctx, row.owner);
  return row !== undefined;
}

/** Ends a token and forgets that there was one. */
export async function deleteToken(ctx: Ctx, id: string): Promise<void> {
  const row = await ctx.db
    .deleteFrom("api_token")
    .where("id", "=", id)
    .returning("owner")
    .executeTakeFirst();
  if (row) announceUserChange(ctx, row.owner);
}
