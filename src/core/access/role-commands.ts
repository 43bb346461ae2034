import { sql } from "kysely";
import { objectError, ValidationError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx, Trx } from "../ctx.ts";
import { inTransaction } from "../transaction.ts";
import { gatheredRoles, lockedRoles, modelPermissions, roleModels } from "./locked-roles.ts";
import type { RoleGrant, RoleObject } from "./types.ts";
import { announceUserChange } from "./user-changes.ts";

/** Processes start at the same time; one of them seeds, the others find it done. */
const SEED_LOCK = 7_301;

/**
 * Makes the shipped roles be as they ship and removes those that ship no longer; gathers those that
 * are made of the permissions of every component. Roles of components that are not installed stay.
 */
export async function ensureLockedRoles(ctx: Ctx): Promise<void> {
  const labels = ctx.plugins.all.map(({ label }) => label);
  const locked = lockedRoles(ctx.plugins);
  const gathered = gatheredRoles(ctx.plugins);
  const roles = new Map([...locked, ...gathered]);
  const pairs = [...roles].flatMap(([role, permissions]) => permissions.map((p) => [role, p]));
  await inTransaction(ctx, undefined, async (trx) => {
    await sql`select pg_advisory_xact_lock(0, ${SEED_LOCK})`.execute(trx);
    await seedKinds(trx, roleModels(ctx.plugins));
    await seedRoles(trx, [...locked.keys()], labels);
    await seedGathered(trx, [...gathered.keys()]);
    await seedPermissions(trx, [...roles.keys()], pairs);
  });
}

async function seedKinds(trx: Trx, models: readonly string[]): Promise<void> {
  await sql`
    insert into object_kind (num, name)
    select (select coalesce(max(num), 0) from object_kind) + row_number() over (), name
    from unnest(${models}::text[]) as wanted (name)
    where not exists (select from object_kind known where known.name = wanted.name)`.execute(trx);
}

async function seedRoles(
  trx: Trx,
  names: readonly string[],
  labels: readonly string[],
): Promise<void> {
  await sql`
    delete from role where locked and name <> all(${names}::text[])
      and split_part(name, '.', 1) = any(${labels}::text[])`.execute(trx);
  await sql`
    insert into role (id, name, locked)
    select id, name, true from unnest(${names.map(() => uuid7())}::uuid[], ${names}::text[]) as w (id, name)
    on conflict (name) do update set locked = true, updated = clock_timestamp()
    where not role.locked`.execute(trx);
}

async function seedGathered(trx: Trx, names: readonly string[]): Promise<void> {
  await sql`
    insert into role (id, name, locked)
    select id, name, false from unnest(${names.map(() => uuid7())}::uuid[], ${names}::text[]) as w (id, name)
    on conflict (name) do update set locked = false, updated = clock_timestamp()
    where role.locked`.execute(trx);
}

async function seedPermissions(
  trx: Trx,
  names: readonly string[],
  pairs: readonly (readonly string[])[],
): Promise<void> {
  const roles = pairs.map(([role]) => role);
  const permissions = pairs.map(([, permission]) => permission);
  const wanted = sql`(select r.num as role, w.permission
    from unnest(${roles}::text[], ${permissions}::text[]) as w (name, permission)
    join role r on r.name = w.name)`;
  await sql`
    delete from role_permission p using role r where r.num = p.role and r.name = any(${names}::text[])
      and not exists (select from ${wanted} w where w.role = p.role and w.permission = p.permission)`.execute(
    trx,
  );
  await sql`insert into role_permission (role, permission)
    select role, permission from ${wanted} w on conflict do nothing`.execute(trx);
}

interface Names {
  readonly role: { readonly num: number; readonly fits: boolean } | null;
  readonly users: Readonly<Record<string, number>>;
  readonly groups: Readonly<Record<string, number>>;
  readonly kind: number | null;
}

/** Numbers behind names, with one statement; a group's is its negative id. */
async function loadNames(
  trx: Trx,
  { model, permissions }: { readonly model: string; readonly permissions: readonly string[] },
  { role, users, groups }: RoleGrant,
): Promise<Names> {
  const { rows } = await sql<Names>`select
    (select jsonb_build_object('num', r.num, 'fits', exists (select from role_permission p
      where p.role = r.num and p.permission = any(${permissions}::text[])))
      from role r where r.name = ${role}) as role,
    (select coalesce(jsonb_object_agg(username, id), '{}') from app_user
      where username = any(${users}::text[])) as users,
    (select coalesce(jsonb_object_agg(name, -id), '{}') from app_group
      where name = any(${groups}::text[])) as groups,
    (select num from object_kind where name = ${model}) as kind`.execute(trx);
  const [names] = rows;
  if (!names) throw new Error("A select without a table returned no row.");
  return names;
}

function missingNames(
  known: Readonly<Record<string, number>>,
  wanted: readonly string[],
  field: string,
): Record<string, unknown> {
  return Object.fromEntries(
    wanted.flatMap((name, index) =>
      Object.hasOwn(known, name)
        ? []
        : [[String(index), [`Object with ${field}=${name} does not exist.`]]],
    ),
  );
}

function checkNames(names: Names, { role, users, groups }: RoleGrant): void {
  const lost = {
    users: missingNames(names.users, users, "username"),
    groups: missingNames(names.groups, groups, "name"),
  };
  const problems = {
    ...Object.fromEntries(
      Object.entries(lost).filter(([, items]) => Object.keys(items).length > 0),
    ),
    ...(names.role ? {} : { role: [`Object with name=${role} does not exist.`] }),
  };
  if (Object.keys(problems).length > 0) throw new ValidationError(problems);
}

interface Subject {
  readonly num: number;
  readonly text: string;
}

const subjectsOf = (names: Names, { users, groups }: RoleGrant): Subject[] => [
  ...[...new Set(users)].map((u) => ({ num: names.users[u] ?? 0, text: `user '${u}'` })),
  ...[...new Set(groups)].map((g) => ({ num: names.groups[g] ?? 0, text: `group '${g}'` })),
];

/**
 * Gives a role on an object to users and groups, to all or to none.
 *
 * @throws `ValidationError` with the texts of core-rest §7.4.
 */
export const addObjectRole = (ctx: Ctx, object: RoleObject, grant: RoleGrant): Promise<void> =>
  changeRole(ctx, object, { grant, verb: "already", change: insertAssignments });

/** Takes a role on an object away; otherwise as `addObjectRole`. */
export const removeObjectRole = (ctx: Ctx, object: RoleObject, grant: RoleGrant): Promise<void> =>
  changeRole(ctx, object, { grant, verb: "not", change: deleteAssignments });

interface Assignment extends RoleObject {
  readonly role: number;
  readonly kind: number;
}

interface RoleChange {
  readonly grant: RoleGrant;
  /** `already` assigned, `not` assigned. */
  readonly verb: "already" | "not";
  /** Returns the subjects that it took effect for. */
  change(trx: Trx, assignment: Assignment, subjects: readonly number[]): Promise<number[]>;
}

async function changeRole(
  ctx: Ctx,
  object: RoleObject,
  { grant, verb, change }: RoleChange,
): Promise<void> {
  const { model } = object;
  const permissions = modelPermissions(ctx.plugins, model);
  const changed = await inTransaction(ctx, undefined, async (trx) => {
    const names = await loadNames(trx, { model, permissions }, grant);
    checkNames(names, grant);
    if (!names.role?.fits || names.kind === null) {
      throw objectError("The role does not contain any permission for that object.");
    }
    const subjects = subjectsOf(names, grant);
    const nums = subjects.map(({ num }) => num);
    const changed = await change(trx, { ...object, role: names.role.num, kind: names.kind }, nums);
    const others = subjects.filter(({ num }) => !changed.includes(num));
    if (others.length === 0) return nums;
    const texts = others.map(({ text }) => `The role is ${verb} assigned to ${text}.`);
    throw new ValidationError({ non_field_errors: texts });
  });
  for (const subject of changed) announceUserChange(ctx, subject);
}

async function insertAssignments(
  trx: Trx,
  { id, domain, role, kind }: Assignment,
  subjects: readonly number[],
): Promise<number[]> {
  const { rows } = await sql<{ subject: number }>`
    insert into role_assignment (id, subject, role, kind, domain, object)
    select w.id, w.subject, ${role}, ${kind}, ${domain}, ${id}
    from unnest(${subjects.map(() => uuid7())}::uuid[], ${subjects}::int[]) as w (id, subject)
    on conflict (subject, kind, domain, object, role) where object is not null do nothing
    returning subject`.execute(trx);
  return rows.map(({ subject }) => subject);
}

async function deleteAssignments(
  trx: Trx,
  { id, domain, role, kind }: Assignment,
  subjects: readonly number[],
): Promise<number[]> {
  const { rows } = await sql<{ subject: number }>`
    delete from role_assignment where object = ${id} and domain = ${domain} and kind = ${kind}
      and role = ${role} and subject = any(${subjects}::int[]) returning subject`.execute(trx);
  return rows.map(({ subject }) => subject);
}
