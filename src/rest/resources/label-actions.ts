import { type RawBuilder, sql } from "kysely";
import { fieldError } from "#base/errors.ts";
import { labelProblem } from "#base/labels.ts";
import type { Call } from "../kit/call.ts";
import { text } from "../kit/fields.ts";
import { planOf } from "../kit/plan.ts";
import { keyOf } from "../kit/present.ts";
import { type Action, FieldProblem, type Resource, type Row } from "../kit/resource.ts";
import { restErrors } from "../kit/rest-errors.ts";
import { labelKey } from "./schemas.ts";

const key = {
  ...labelKey,
  check: (value: string) => {
    const problem = labelProblem({ [value]: null });
    if (problem !== undefined) throw new FieldProblem(problem);
    return value;
  },
};

export interface LabelActionOptions {
  /** The baseline describes 200, though 201 is what is sent; then both are described. */
  readonly isDescribedAs200?: boolean;
}

/**
 * `set_label` and `unset_label`: one statement each, which leaves `updated` alone (core-rest §2.4).
 *
 * @param table the table `e` of the resource: it has `id` and `labels`.
 */
export function labelActions(
  table: string,
  { isDescribedAs200 = false }: LabelActionOptions = {},
): readonly Action[] {
  const answers = (schema: string) => ({
    ...(isDescribedAs200 ? { 200: schema } : {}),
    201: schema,
  });
  return [
    {
      name: "set_label",
      method: "POST",
      on: "object",
      isBlind: true,
      body: {
        schema: "SetLabel",
        fields: { key, value: text({ required: true, nullable: true, blank: true }) },
        isLenient: true,
      },
      answers: answers("SetLabelResponse"),
      async run(call, values, row) {
        const name = String(values.key);
        const value = values.value as string | null;
        const problem = labelProblem({ [name]: value });
        if (problem !== undefined) throw fieldError("value", problem);
        await setLabel(call, { table, row, name, value });
        return { kind: "json", status: 201, body: { key: name, value } };
      },
    },
    {
      name: "unset_label",
      method: "POST",
      on: "object",
      isBlind: true,
      body: { schema: "UnsetLabel", fields: { key }, isLenient: true },
      answers: answers("UnsetLabelResponse"),
      async run(call, values, row) {
        const name = String(values.key);
        const value = await unsetLabel(call, { table, row, name });
        return { kind: "json", status: 201, body: { key: name, value } };
      },
    },
  ];
}

interface Target {
  readonly table: string;
  readonly row: Row;
  readonly name: string;
}

/** Id of the object, if there is one of the resource's kind in this domain. */
function objectId(call: Call, { row }: Target): RawBuilder<unknown> {
  const { from, where, key: column, domain } = planOf(row.$resource as Resource);
  const inDomain =
    domain === null ? sql`` : sql`and ${sql.raw(domain)} = ${call.caller.domain.num}`;
  return sql`(select e.id from ${sql.raw(from)}
    where ${sql.raw(column)} = ${keyOf(row)} ${inDomain} and ${sql.raw(where)})`;
}

const missing = ({ row }: Target): Error => restErrors.noMatch((row.$resource as Resource).model);

async function setLabel(
  call: Call,
  { value, ...target }: Target & { readonly value: string | null },
): Promise<void> {
  const { numAffectedRows } = await sql`
    update ${sql.table(target.table)} as o
    set labels = coalesce(o.labels, '{}') || jsonb_build_object(${target.name}::text, ${value}::text)
    where o.id = ${objectId(call, target)}`.execute(call.ctx.db);
  if (numAffectedRows === 0n) throw missing(target);
}

/** Returns the value that it removed. */
async function unsetLabel(call: Call, target: Target): Promise<string | null> {
  const table = sql.table(target.table);
  const { rows } = await sql<{ isSet: boolean | null; value: string | null }>`
    with found as materialized (
      select o.id, o.labels from ${table} o where o.id = ${objectId(call, target)} for no key update
    ), changed as (
      update ${table} as o set labels = found.labels - ${target.name}::text
      from found where o.id = found.id and found.labels ? ${target.name}
    )
    select labels ? ${target.name} as "isSet", labels ->> ${target.name} as value from found`.execute(
    call.ctx.db,
  );
  const [found] = rows;
  if (!found) throw missing(target);
  if (!found.isSet) {
    throw fieldError("key", `Label '${target.name}' is not set on the object.`);
  }
  return found.value;
}
