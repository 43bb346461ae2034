import { type Caller, type Ctx, type Executor, sql, tenancy } from "#sdk";
import { ORGANISATION_GROUP } from "../identity/org-groups.ts";
import { serviceSettingsOf } from "../settings.ts";
import { Refusal } from "./refusal.ts";

type User = NonNullable<Caller["user"]>;

export interface GroupWish {
  /** Name that the request gives. */
  readonly given: string | undefined;
  /** Name of the domain. */
  readonly domain: string;
  readonly user: User;
}

/**
 * The group that a new domain is given to; it is made if there is none (service §6.1).
 *
 * @throws `Refusal` (403) for a group that would let the maker in where he is not, or strangers into
 *   his domain.
 */
export async function groupFor(
  ctx: Ctx,
  db: Executor,
  { given, domain, user }: GroupWish,
): Promise<number> {
  const name = given ?? `domain-${domain}`;
  const found = await membership(db, name, user.id);
  const mayUse =
    user.isSuperuser ||
    found?.is_member === true ||
    serviceSettingsOf(ctx).CREATE_DOMAIN_ALLOW_FOREIGN_GROUP;
  if (found && !mayUse) throw foreign(name);
  if (!found && !user.isSuperuser && isReservedGroup(ctx, name)) throw foreign(name);
  // To a group that he names, a maker adds himself only by making it.
  if (found && given !== undefined) return found.id;
  return joinedGroup(ctx, db, { name, user: user.id });
}

const foreign = (name: string): Refusal =>
  new Refusal(403, `You are not a member of group '${name}'.`);

/** Groups that mean something by their name are not made by whoever comes first. */
export const isReservedGroup = (ctx: Ctx, name: string): boolean =>
  reservedNames(ctx).some((is) => is(name));

function reservedNames(ctx: Ctx): readonly ((name: string) => boolean)[] {
  const { ADMIN_READONLY_GROUP, DOMAIN_ACCESS_POLICIES } = serviceSettingsOf(ctx);
  const groups = Object.values(DOMAIN_ACCESS_POLICIES).map((policy) => policy.readonly_group);
  const names = new Set([ADMIN_READONLY_GROUP, ...groups]);
  return [(name) => name.startsWith(ORGANISATION_GROUP), (name) => names.has(name)];
}

/** The group stays as it is until the transaction ends. */
async function membership(db: Executor, name: string, user: number) {
  const { rows } = await sql<{ id: number; is_member: boolean }>`
    select g.id, exists (select from group_member m
      where m.app_group = g.id and m.app_user = ${user}) as is_member
    from app_group g where g.name = ${name} for key share of g`.execute(db);
  return rows[0];
}

async function joinedGroup(
  ctx: Ctx,
  db: Executor,
  wanted: { readonly name: string; readonly user: number },
): Promise<number> {
  try {
    return await tenancy.joinGroup(ctx, wanted, db);
  } catch (error) {
    throw new Refusal(400, `Failed to resolve group for domain: ${(error as Error).message}`);
  }
}
