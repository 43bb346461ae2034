import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { createToken } from "#core/access/commands.ts";
import { hashPassword } from "#core/access/passwords.ts";
import type { TokenScope } from "#core/access/token-scope.ts";
import { announceUserChange } from "#core/access/user-changes.ts";
import type { ContextOptions } from "../../support/context.ts";
import type { TestAnswer } from "../../support/rest-api.ts";
import { createRegistryWorld, type RegistryWorld } from "./registry-world.ts";

export const PASSWORD = "correct horse";

/** What the token server answers. */
export interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: TestAnswer["body"];
}

export interface Given {
  readonly user: string;
  /** Without `container.`. */
  readonly permissions: readonly string[];
  /** Id of what it is given on; without it everywhere, or in the domain. */
  readonly object?: string;
  /** `domain.num` */
  readonly domain?: number;
}

export interface AccessWorld extends RegistryWorld {
  addUser(name: string): Promise<number>;
  /** An API token of a user, as robots have it. */
  robot(owner: number, scope: TokenScope, expires?: string): Promise<{ id: string; token: string }>;
  give(given: Given): Promise<void>;
  /** Takes everything from everybody. */
  takeAll(): Promise<void>;
  setPrivate(basePath: string, isPrivate: boolean): Promise<void>;
  /** Ids of the distribution and the namespace of a name. */
  idsOf(basePath: string): Promise<{ distribution: string; namespace: string }>;
  /** GET of a token; `login` is `name:password`. */
  token(scopes: readonly string[], login?: string, query?: object): Promise<TokenAnswer>;
  form(fields: Readonly<Record<string, string>>): Promise<TokenAnswer>;
  /** A request with a header, or as a stranger. */
  as(
    authorization: string | undefined,
    method: string,
    path: string,
    init?: RequestInit,
  ): Promise<Response>;
}

export const basic = (login: string): string => `Basic ${Buffer.from(login).toString("base64")}`;

export async function createAccessWorld(
  t: TestContext,
  options: ContextOptions = {},
): Promise<AccessWorld> {
  const world = await createRegistryWorld(t, options);
  const { db } = world.ctx;
  const service = new URL(world.origin).host;
  const made: AccessWorld = {
    ...world,
    ...people(world),
    async setPrivate(basePath, isPrivate) {
      await changePrivacy(world, basePath, isPrivate);
      await untilNoticed(made, basePath, isPrivate);
    },
    async idsOf(basePath) {
      const { rows } = await sql<{ distribution: string; namespace: string }>`
        select d.id as distribution, c.namespace from distribution d
        join container_distribution c on c.domain = d.domain and c.id = d.id
        where d.base_path = ${basePath}`.execute(db);
      if (!rows[0]) throw new Error(`There is no ${basePath}.`);
      return rows[0];
    },
    async token(scopes, login, query = {}) {
      const parameters = new URLSearchParams({ service, ...query });
      for (const scope of scopes) parameters.append("scope", scope);
      const headers = login === undefined ? {} : { authorization: basic(login) };
      return answerOf(await fetch(`${world.origin}/token/?${parameters}`, { headers }));
    },
    form: async (fields) =>
      answerOf(
        await fetch(`${world.origin}/token/`, {
          method: "POST",
          body: new URLSearchParams({ service, ...fields }),
        }),
      ),
    as: (authorization, method, path, init = {}) =>
      fetch(`${world.origin}${path}`, {
        redirect: "manual",
        ...init,
        method,
        headers: {
          ...Object.fromEntries(new Headers(init.headers)),
          ...(authorization === undefined ? {} : { authorization }),
        },
      }),
  };
  return made;
}

async function changePrivacy(
  { ctx }: RegistryWorld,
  basePath: string,
  isPrivate: boolean,
): Promise<void> {
  const { rows } = await sql<{ domain: number; id: string }>`
    with changed as (
      update container_distribution c set private = ${isPrivate} from distribution d
      where d.domain = c.domain and d.id = c.id and d.base_path = ${basePath}
      returning c.domain, c.id),
    told as (insert into distribution_event (domain, distribution) select domain, id from changed)
    select * from changed`.execute(ctx.db);
  const [changed] = rows;
  if (!changed) throw new Error(`There is no ${basePath}.`);
  ctx.notifier.notify("deckle_distribution", `${changed.domain}:${changed.id}`);
  await ctx.notifier.flush();
}

/** What a process remembers of a distribution goes when the notification comes. */
async function untilNoticed(
  world: AccessWorld,
  basePath: string,
  isPrivate: boolean,
): Promise<void> {
  const url = `${world.origin}/extensions/v2/${basePath}/signatures/sha256:${"0".repeat(64)}`;
  for (let left = 100; left > 0; left -= 1) {
    const { body } = await world.token([`repository:${basePath}:pull`]);
    const headers = body.token ? { authorization: `Bearer ${body.token}` } : {};
    const { status } = await fetch(url, { headers });
    if ((status === 401) === isPrivate) return;
    await sleep(50);
  }
  throw new Error(`${basePath} does not become ${isPrivate ? "private" : "public"}.`);
}

const answerOf = async (response: Response): Promise<TokenAnswer> => {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
};

function people({
  ctx,
}: RegistryWorld): Pick<AccessWorld, "addUser" | "robot" | "give" | "takeAll"> {
  const { db } = ctx;
  return {
    async addUser(name) {
      const password = await hashPassword(PASSWORD, { iterations: 1 });
      const { id } = await db
        .insertInto("app_user")
        .values({ username: name, password })
        .returning("id")
        .executeTakeFirstOrThrow();
      return id;
    },
    robot: (owner, scope, expires) =>
      createToken(db, { owner, name: uuid7(), scope, expires: (expires ?? null) as never }),
    async give({ user, permissions, object, domain }) {
      const names = permissions.map((name) => `container.${name}`);
      await sql`
        with r as (
          insert into role (id, name) values (${uuid7()}, ${uuid7()}) returning num
        ), p as (
          insert into role_permission (role, permission)
          select r.num, n from r, unnest(${names}::text[]) as n
        )
        insert into role_assignment (id, subject, role, kind, domain, object)
        select ${uuid7()}, (select id from app_user where username = ${user}), r.num,
          case when ${object ?? null}::uuid is null then null else 1 end,
          ${domain ?? (object ? 1 : null)}::int, ${object ?? null}::uuid from r`.execute(db);
      announceUserChange(ctx);
    },
    async takeAll() {
      await sql`delete from role_assignment`.execute(db);
      announceUserChange(ctx);
    },
  };
}
