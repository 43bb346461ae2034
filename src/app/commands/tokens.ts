import { sql } from "kysely";
import { isUuid } from "#base/uuid7.ts";
import { createToken, revokeToken } from "#core/access/commands.ts";
import { domainProblem, objectProblem, permissionProblem } from "#core/access/token-scope.ts";
import type { Ctx } from "#core/ctx.ts";
import { appErrors } from "../errors.ts";
import { integerFlag } from "../flags.ts";
import { type Command, openCommandRuntime, print } from "./command.ts";
import { subjectOf } from "./subjects.ts";
import { tableLines, told } from "./told.ts";

const DAY_MS = 86_400_000;
const words = { type: "string", multiple: true } as const;

export const createTokenCommand: Command = {
  name: "create-token",
  usage:
    "NAME --user NAME --scope WORD… [--domain NAME…] [--object PRN…] (--days NUMBER | --forever)",
  summary:
    "Makes an API token and prints it, this once; scopes are *, read, file.* or permissions.",
  options: {
    ...{ user: { type: "string" }, days: { type: "string" }, forever: { type: "boolean" } },
    ...{ scope: words, domain: words, object: words },
  },
  words: 1,
  async run({ text, list, on, rest: [name = ""] }) {
    if (name.trim() === "" || name.length > 150) {
      throw appErrors.usage("Give the token a name of at most 150 characters.");
    }
    const scope = {
      permissions: checked(list.scope, permissionProblem),
      ...(list.domain ? { domains: checked(list.domain, domainProblem) } : {}),
      ...(list.object ? { objects: checked(list.object, objectProblem) } : {}),
    };
    if (scope.permissions.length === 0) throw appErrors.usage("Give --scope at least once.");
    const days = integerFlag("days", text.days);
    if ((days === undefined) !== (on.forever === true) || days === 0) {
      throw appErrors.usage("Give either --days, at least 1, or --forever.");
    }
    const { user } = text;
    if (user === undefined) throw appErrors.usage("Whose token? Give --user NAME.");
    await using runtime = await openCommandRuntime();
    const ctx = runtime.createCtx("api");
    const { num: owner } = await subjectOf(ctx, { user });
    const expires =
      days === undefined ? null : new Date(ctx.clock.now() + days * DAY_MS).toISOString();
    const { token } = await told(createToken(ctx.db, { owner, name, scope, expires }));
    print(token);
    return 0;
  },
};

function checked(
  given: readonly string[] = [],
  problem: (word: string) => string | undefined,
): readonly string[] {
  const found = given.map(problem).find((text) => text !== undefined);
  if (found !== undefined) throw appErrors.usage(found);
  return given;
}

export const listTokensCommand: Command = {
  name: "list-tokens",
  usage: "[--user NAME]",
  summary: "Lists API tokens: id, owner, name, scopes, when they were used, and whether they work.",
  options: { user: { type: "string" } },
  async run({ text }) {
    await using runtime = await openCommandRuntime();
    const ctx = runtime.createCtx("api");
    const owner = text.user === undefined ? null : (await subjectOf(ctx, text)).num;
    const rows = await tokensOf(ctx, owner);
    const lines = rows.map(({ id, user, name, scopes, state, last_used }) => [
      ...[id, user, name, scopes.join(","), state, last_used ?? "never used"],
    ]);
    for (const line of tableLines(lines)) print(line);
    return 0;
  },
};

interface TokenLine {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly state: string;
  readonly last_used: string | null;
}

async function tokensOf({ db }: Ctx, owner: number | null): Promise<readonly TokenLine[]> {
  const { rows } = await sql<TokenLine>`
    select t.id, u.username as user, t.name, t.scopes, t.last_used,
      case when t.revoked is not null then 'revoked'
        when t.expires <= clock_timestamp() then 'expired'
        when not u.is_active then 'owner inactive'
        else 'in force' end as state
    from api_token t join app_user u on u.id = t.owner
    where ${owner}::int is null or t.owner = ${owner} order by u.username, t.name`.execute(db);
  return rows;
}

export const revokeTokenCommand: Command = {
  name: "revoke-token",
  usage: "ID | --user NAME",
  summary: "Ends a token, or all tokens of a user, in every process at once.",
  options: { user: { type: "string" } },
  words: 1,
  async run({ text, rest: [id] }) {
    if ((id === undefined) === (text.user === undefined)) {
      throw appErrors.usage("Give either the id of a token or --user NAME.");
    }
    if (id !== undefined && !isUuid(id)) throw appErrors.usage(`'${id}' is no id of a token.`);
    await using runtime = await openCommandRuntime();
    const ctx = runtime.createCtx("api");
    const owned =
      text.user === undefined ? [] : await tokensOf(ctx, (await subjectOf(ctx, text)).num);
    const ids = id === undefined ? owned.map((token) => token.id) : [id];
    let count = 0;
    for (const each of ids) if (await revokeToken(ctx, each)) count += 1;
    if (id !== undefined && count === 0) {
      throw appErrors.usage(`There is no token ${id} that could be revoked.`);
    }
    print(`Revoked ${count} ${count === 1 ? "token" : "tokens"}.`);
    return 0;
  },
};
