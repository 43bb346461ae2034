import { type RawBuilder, sql } from "kysely";
import { fieldError } from "#base/errors.ts";
import { labelProblem } from "#base/labels.ts";
import type { Call } from "../kit/call.ts";
import { text } from "../kit/fields.ts";
import { keyOf } from "../kit/present.ts";
import { type Action, FieldProblem, type Row } from "../kit/resource.ts";
import { restErrors } from "../kit/rest-errors.ts";
import { labelKey } from "./schemas.ts";

export interface Labelled {
  /** Table with `id`, `labels` and, unless global, `domain`. */
  readonly table: string;
  /** For the text of a 404: `FileRemote`. */
  readonly model: string;
  /** Further condition over `e`: `e.type = 'file.file'`. */
  readonly where?: string;
  /** Objects of no domain. */
  readonly isGlobal?: boolean;
}

const key = {
  ...labelKey,
  check: (value: string) => {
    const problem = labelProblem({ [value]: null });
    if (problem !== undefined) throw new FieldProblem(problem);
    return value;
  },
};

/** `set_label` and `unset_label`: one statement each, which leaves `updated` alone (core-rest §2.4). */
export function labelActions(labelled: Labelled): readonly Action[] {
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
      answers: { 201: "SetLabelResponse" },
      async run(call, values, row) {
        const name = String(values.key);
        const value = values.value as string | null;
        const problem = labelProblem({ [name]: value });
        if (problem !== undefined) throw fieldError("value", problem);
        await setLabel(call, { labelled, row, name, value });
        return { kind: "json", status: 201, body: { key: name, value } };
      },
    },
    {
      name: "unset_label",
      method: "POST",
      on: "object",
      isBlind: true,
      body: { schema: "UnsetLabel", fields: { key }, isLenient: true },
      answers: { 201: "UnsetLabelResponse" },
      async run(call, values, row) {
        const name = String(values.key);
        const value = await unsetLabel(call, { labelled, row, name });
        return { kind: "json", status: 201, body: { key: name, value } };
      },
    },
  ];
}

interface Target {
  readonly labelled: Labelled;
  readonly row: Row;
  readonly name: string;
}

function isObject(call: Call, { labelled, row }: Target): RawBuilder<unknown> {
  const { where = "true", isGlobal = false } = labelled;
  const inDomain = isGlobal ? sql`` : sql`and e.domain = ${call.caller.domain.num}`;
  return sql`e.id = ${keyOf(row)} ${inDomain} and ${sql.raw(where)}`;
}

async function setLabel(
  call: Call,
  { value, ...target }: Target & { readonly value: string | null },
): Promise<void> {
  const { numAffectedRows } = await sql`
    update ${sql.table(target.labelled.table)} as e
    set labels = coalesce(e.labels, '{}') || jsonb_build_object(${target.name}::text, ${value}::text)
    where ${isObject(call, target)}`.execute(call.ctx.db);
  if (numAffectedRows === 0n) throw restErrors.noMatch(target.labelled.model);
}

/** Returns the value that it removed. */
async function unsetLabel(call: Call, target: Target): Promise<string | null> {
  const table = sql.table(target.labelled.table);
  const { rows } = await sql<{ isSet: boolean | null; value: string | null }>`
    with found as materialized (
      select e.id, e.labels from ${table} e where ${isObject(call, target)} for no key update
    ), changed as (
      update ${table} as e set labels = found.labels - ${target.name}::text
      from found where e.id = found.id and found.labels ? ${target.name}
    )
    select labels ? ${target.name} as "isSet", labels ->> ${target.name} as value from found`.execute(
    call.ctx.db,
  );
  const [found] = rows;
  if (!found) throw restErrors.noMatch(target.labelled.model);
  if (!found.isSet) {
    throw fieldError("key", `Label '${target.name}' is not set on the object.`);
  }
  return found.value;
}
