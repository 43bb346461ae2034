import { fieldError, objectError } from "#base/errors.ts";
import {
  type Db,
  defineResource,
  type Executor,
  FieldProblem,
  list,
  sql,
  tenancy,
  text,
  textFilters,
  type Values,
} from "#sdk";
import type { Run } from "../resource-types.ts";

const NAMES = ["exact", "in"] as const;
const domainNames = (key: string) =>
  `(select coalesce(jsonb_agg(d.name order by d.name), '[]') from service_domain_org_domain l
    join domain d on d.num = l.domain where l.domain_org = ${key})`;

const checkTexts = (value: readonly unknown[]) => {
  if (!value.every((one) => typeof one === "string")) throw new FieldProblem("Not a valid string.");
  return [...new Set(value)].sort();
};

/** Which organisation, user and group have which domains (service §5.1): for administrators. */
export const domainOrgs = defineResource({
  path: "domain_orgs",
  label: "service",
  model: "DomainOrg",
  title: "domain org",
  key: "int",
  common: ["pulp_href", "prn"],
  source: { from: "service_domain_org e", domain: null, created: null },
  fields: {
    org_id: text({ nullable: true }, { maxLength: 150 }),
    user: text({
      nullable: true,
      sql: "(select u.username from app_user u where u.id = e.app_user)",
    }),
    group: text({
      nullable: true,
      sql: "(select g.name from app_group g where g.id = e.app_group)",
    }),
    domains: list(
      { type: "string" },
      { required: true, sql: domainNames("e.id"), check: checkTexts },
    ),
  },
  filters: textFilters("org_id", "e.org_id", [...NAMES]),
  orderings: { org_id: "e.org_id" },
  operations: {
    list: true,
    read: true,
    create: {
      mode: "sync",
      apply: (run, values, made) =>
        tenancy.inTransaction(run.ctx, undefined, async (trx) => {
          const holder = await holderOf(trx, values);
          if (Object.values(holder).every((one) => one === null)) throw objectError(NOBODY);
          const { rows } = await sql<{ id: number }>`
            insert into service_domain_org (org_id, app_user, app_group)
            values (${holder.org_id}, ${holder.app_user}, ${holder.app_group}) returning id`.execute(
            trx,
          );
          const id = rows[0]?.id ?? 0;
          await setDomains(trx, id, values.domains as readonly string[]);
          await made(trx, id);
          return id;
        }),
    },
    update: { mode: "sync", apply: (run, row, changes) => change(run, row, changes) },
    delete: {
      mode: "sync",
      async apply({ ctx }, row) {
        await sql`delete from service_domain_org where id = ${row.$key}`.execute(ctx.db);
      },
    },
  },
});

const NOBODY = "At least one of 'org_id', 'user' and 'group' must be given.";

const change = (run: Run, row: Values, changes: Values): Promise<void> =>
  tenancy.inTransaction(run.ctx, undefined, async (trx) => {
    const whole = { ...row, ...changes };
    const holder = await holderOf(trx, whole);
    if (Object.values(holder).every((one) => one === null)) throw objectError(NOBODY);
    await sql`update service_domain_org set org_id = ${holder.org_id}, app_user = ${holder.app_user},
      app_group = ${holder.app_group} where id = ${row.$key}`.execute(trx);
    await setDomains(trx, Number(row.$key), whole.domains as readonly string[]);
  });

/** @throws `ValidationError` for a user or group that there is not. */
async function holderOf(db: Executor, { org_id, user, group }: Values) {
  const found = async (field: "user" | "group", table: "app_user" | "app_group", name: unknown) => {
    if (name === undefined || name === null) return null;
    const column = table === "app_user" ? "username" : "name";
    const { rows } = await sql<{ id: number }>`select id from ${sql.table(table)}
      where ${sql.ref(column)} = ${name}`.execute(db);
    const [row] = rows;
    if (!row) throw fieldError(field, `There is no ${field} '${name}'.`);
    return row.id;
  };
  return {
    org_id: org_id === undefined || org_id === "" ? null : org_id,
    app_user: await found("user", "app_user", user),
    app_group: await found("group", "app_group", group),
  };
}

/** @throws `ValidationError` for a domain that there is not. */
async function setDomains(db: Executor, id: number, names: readonly string[]): Promise<void> {
  const found = await (db as Db)
    .selectFrom("domain")
    .select(["num", "name"])
    .where("name", "in", names.length === 0 ? [""] : names)
    .execute();
  const missing = names.find((name) => !found.some((domain) => domain.name === name));
  if (missing !== undefined) throw fieldError("domains", `There is no domain '${missing}'.`);
  await sql`delete from service_domain_org_domain where domain_org = ${id}`.execute(db);
  await sql`insert into service_domain_org_domain (domain_org, domain)
    select ${id}::int, unnest(${found.map(({ num }) => num)}::int[])`.execute(db);
}
