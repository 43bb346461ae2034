import { fieldError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import { type Executor, sql } from "#sdk";
import { canonicalDn } from "../identity/subject-dn.ts";

/** What clients say about a rule; of the three that say who, two are null. */
export interface RuleValues {
  readonly name: string;
  readonly labels: unknown;
  /** `content_guard.id` */
  readonly guard: string;
  readonly subjectDn: string | null;
  readonly organisation: string | null;
  /** `service_account.id` */
  readonly account: string | null;
  readonly effect: string;
  readonly actions: unknown;
  readonly prefixes: unknown;
  readonly validFrom: string | null;
  readonly validUntil: string | null;
  readonly isEnabled: boolean;
}

const columnsOf = (values: RuleValues) => ({
  name: values.name,
  labels: JSON.stringify(values.labels),
  content_guard: values.guard,
  subject_dn: values.subjectDn,
  canonical_subject: values.subjectDn === null ? null : (canonicalDn(values.subjectDn) ?? null),
  org_id: values.organisation,
  service_account: values.account,
  effect: values.effect,
  actions: JSON.stringify(values.actions),
  path_prefixes: JSON.stringify(values.prefixes),
  valid_from: values.validFrom,
  valid_until: values.validUntil,
  enabled: values.isEnabled,
});

const TAKEN = "This field must be unique.";

/** @throws `ValidationError` for a name that is taken, or where the guard has `most` rules. */
export async function addRule(
  db: Executor,
  values: RuleValues,
  { domain, most }: { readonly domain: number; readonly most: number },
): Promise<string> {
  const id = uuid7();
  const row = { id, domain, ...columnsOf(values) };
  await oneAfterAnother(db);
  await checkRoom(db, { domain, guard: values.guard, most });
  const { rows } = await sql`
    insert into service_guard_rule (${sql.join(Object.keys(row).map((name) => sql.ref(name)))})
    values (${sql.join(Object.values(row))})
    on conflict on constraint service_guard_rule_name do nothing returning id`.execute(db);
  if (rows.length === 0) throw fieldError("name", TAKEN);
  return id;
}

/** As `addRule`. */
export async function changeRule(
  db: Executor,
  id: string,
  { values, domain, most }: { values: RuleValues; domain: number; most: number },
): Promise<void> {
  await oneAfterAnother(db);
  const { rows } = await sql`select from service_guard_rule
    where domain = ${domain} and name = ${values.name} and id <> ${id}`.execute(db);
  if (rows.length > 0) throw fieldError("name", TAKEN);
  await checkRoom(db, { domain, guard: values.guard, most, self: id });
  const changes = Object.entries(columnsOf(values)).map(
    ([name, value]) => sql`${sql.ref(name)} = ${value}`,
  );
  await sql`update service_guard_rule set ${sql.join(changes)}, updated = clock_timestamp()
    where id = ${id}`.execute(db);
}

/** Until the end of the transaction nobody else takes a name. */
const oneAfterAnother = (db: Executor) =>
  sql`select pg_advisory_xact_lock(hashtext('service_guard_rule'))`.execute(db);

interface Room {
  readonly domain: number;
  readonly guard: string;
  readonly most: number;
  /** A rule that has its place already. */
  readonly self?: string;
}

/** Every request that a guard is asked about is held against its rules. */
async function checkRoom(db: Executor, { domain, guard, most, self }: Room): Promise<void> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from service_guard_rule
    where domain = ${domain} and content_guard = ${guard}
      and id is distinct from ${self ?? null}::uuid`.execute(db);
  if ((rows[0]?.count ?? 0) >= most)
    throw fieldError("content_guard", `The content guard has ${most} rules already.`);
}

export const removeRule = (db: Executor, id: string) =>
  sql`delete from service_guard_rule where id = ${id}`.execute(db);
