import { ValidationError } from "#base/errors.ts";
import { type Caller, type Ctx, sql } from "#sdk";
import { contains, parseSpecifiers } from "../format/specifier.ts";

type Run = { readonly ctx: Pick<Ctx, "db">; readonly caller: Pick<Caller, "domain"> };

/**
 * Packages whose version is in a set of specifiers, pre-releases among them (PEP 440). The database
 * cannot tell: the distinct versions of the domain are compared here, and looked up by index.
 */
export const versionSpecifier = {
  schema: { type: "string" } as const,
  async condition(value: string, { ctx, caller }: Run) {
    const specifiers = parseSpecifiers(value);
    if (specifiers === undefined) {
      const text = `Invalid PEP 440 version specifier: ${value}`;
      throw new ValidationError({ version_specifier: text });
    }
    const known = await versionsOf(ctx.db, caller.domain.num);
    const matching = known.filter((version) =>
      contains(specifiers, version, { prereleases: true }),
    );
    return sql`d.version = any(${matching}::text[])`;
  },
};

/** Distinct versions by a walk over the index that skips from one to the next. */
async function versionsOf(db: Ctx["db"], domain: number): Promise<readonly string[]> {
  const { rows } = await sql<{ version: string }>`
    with recursive step (version) as (
      (select version from python_package where domain = ${domain} order by version limit 1)
      union all
      select (select p.version from python_package p
        where p.domain = ${domain} and p.version > step.version order by p.version limit 1)
      from step where step.version is not null)
    select version from step where version is not null`.execute(db);
  return rows.map(({ version }) => version);
}
