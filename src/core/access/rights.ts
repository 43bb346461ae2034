import type { Caller, Ctx, User } from "../ctx.ts";
import type { Rights } from "./types.ts";
import { onUserChange } from "./user-changes.ts";

interface Grants {
  readonly groups: readonly { readonly id: number; readonly name: string }[];
  /** Domain's number, or 0 for everywhere → permissions. */
  readonly scopes: ReadonlyMap<number, ReadonlySet<string>>;
}

const NO_GRANTS: Grants = { groups: [], scopes: new Map() };

/** Changes in other processes count after this time at the latest, heard of or not. */
const BELIEVED_MS = 3000;
const MAX_KNOWN = 10_000;

const grantsOfUser = {
  name: "grants of user",
  text: `with g as (select m.app_group as id, g.name from group_member m
      join app_group g on g.id = m.app_group where m.app_user = $1)
    select (select coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name)), '[]') from g) as groups,
      (select coalesce(jsonb_agg(s), '[]') from (
        select coalesce(a.domain, 0) as domain, array_agg(distinct p.permission) as permissions
        from role_assignment a join role_permission p on p.role = a.role
        where a.object is null and (a.subject = $1 or a.subject in (select -id from g))
        group by 1) s) as scopes`,
};

interface GrantsRow {
  readonly groups: Grants["groups"];
  readonly scopes: readonly { readonly domain: number; readonly permissions: readonly string[] }[];
}

const onObjectOf = {
  name: "permissions on object",
  text: `select exists (select from role_assignment a join role_permission p on p.role = a.role
    where a.subject = any($1::int[]) and a.kind = (select num from object_kind where name = $2)
      and a.domain = $3 and a.object = $4 and p.permission = any($5::text[])) as has`,
};

interface Known {
  readonly grants: Promise<Grants>;
  readonly until: number;
}

/** Finds what users may do, mostly without a statement. */
class RightsBook {
  readonly #ctx: Ctx;
  readonly #known = new Map<number, Known>();

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    onUserChange(ctx, () => this.#known.clear());
  }

  async rightsOf({ user, domain }: Pick<Caller, "user" | "domain">): Promise<Rights> {
    const grants = user && !user.isSuperuser ? await this.#grantsOf(user) : NO_GRANTS;
    const { hot, settings } = this.#ctx;
    const isSuperuser = user?.isSuperuser === true;
    const subjects = user ? [user.id, ...grants.groups.map(({ id }) => -id)] : [];
    return {
      isSuperuser,
      subjects,
      groups: grants.groups.map(({ name }) => name),
      onModel: (permission) => isSuperuser || grants.scopes.get(0)?.has(permission) === true,
      // A right over domains that is given in one of them would reach beyond it.
      onDomain: (permission) =>
        isSuperuser ||
        (settings.DOMAIN_ENABLED &&
          !permission.includes("domain") &&
          grants.scopes.get(domain.num)?.has(permission) === true),
      async onObject(permissions, { model, id, domain: place, known }) {
        if (isSuperuser || (known !== undefined && permissions.includes(known))) return true;
        if (user === null) return false;
        const values = [subjects, model, place, id, permissions];
        const [row] = await hot.query<{ has: boolean }>(onObjectOf, values);
        return row?.has === true;
      },
    };
  }

  #grantsOf({ id }: User): Promise<Grants> {
    const now = this.#ctx.clock.now();
    const known = this.#known.get(id);
    if (known && known.until > now) return known.grants;
    const grants = this.#load(id);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(id, { grants, until: now + BELIEVED_MS });
    grants.catch(() => this.#known.delete(id));
    return grants;
  }

  async #load(user: number): Promise<Grants> {
    const [row] = await this.#ctx.hot.query<GrantsRow>(grantsOfUser, [user]);
    if (!row) return NO_GRANTS;
    const scopes = row.scopes.map(
      ({ domain, permissions }) => [domain, new Set(permissions)] as const,
    );
    return { groups: row.groups, scopes: new Map(scopes) };
  }
}

const books = new WeakMap<Ctx["hot"], RightsBook>();

/** The book of the process: all its contexts share it. */
export function rightsBook(ctx: Ctx): RightsBook {
  const known = books.get(ctx.hot);
  if (known) return known;
  const book = new RightsBook(ctx);
  books.set(ctx.hot, book);
  return book;
}
