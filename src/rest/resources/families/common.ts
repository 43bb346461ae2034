import { sql } from "kysely";
import { fieldError } from "#base/errors.ts";
import type { Family } from "#core/plugin-contract.ts";
import { parseAddress, parseListHref } from "../../kit/address.ts";
import type { Run } from "../../kit/call.ts";
import { type Filter, FilterProblem, type Filters } from "../../kit/filters/filter.ts";
import { choiceFilter, NAME, textFilters } from "../../kit/filters/lookups.ts";
import type { Action, Fields, Resource, Values } from "../../kit/resource.ts";
import { type LabelActionOptions, labelActions } from "../label-actions.ts";
import { roleActions } from "../role-actions.ts";

/** `ordering` values of every master and detail resource. */
export const entityOrderings = {
  pulp_id: "e.id",
  pulp_created: "e.created",
  pulp_last_updated: "e.updated",
  pulp_type: "e.type",
} as const;

export const nameFilters: Filters = textFilters("name", "e.name", NAME);

/** Filter by a relation: href, PRN, the list URL of a type, or `null` (core-rest §3.5). */
export const relationFilter = (name: string, column: string, family: Family): Filter => ({
  schema: { type: "string", format: "uuid" },
  takesEmpty: true,
  condition: (value, { view }) => {
    if (value === "" || value === "null") return sql`${sql.raw(column)} is null`;
    const address = parseAddress(value, view);
    if (address?.resource.family === family) return sql`${sql.raw(column)} = ${address.key}::uuid`;
    const list = parseListHref(value, view);
    if (list?.family === family) {
      const type = list.path.split("/").slice(1).join(".");
      return sql`${sql.raw(column)} in (select id from ${sql.table(family)} where type = ${type})`;
    }
    const text =
      address || list
        ? `URI/PRN is not a valid href for ${name} model: ${value}`
        : `URI couldn't be resolved: ${value}`;
    throw new FilterProblem(text);
  },
});

export const relationInFilter = (name: string, column: string, family: Family): Filter => ({
  schema: { type: "array", items: { type: "string", format: "uuid" } },
  isCsv: true,
  condition: (value, { view }) => {
    const ids = value.split(",").map((text) => {
      const address = parseAddress(text, view);
      if (address?.resource.family !== family)
        throw new FilterProblem(`URI couldn't be resolved: ${text}`, { code: name });
      return address.key;
    });
    return sql`${sql.raw(column)} = any(${ids}::uuid[])`;
  },
});

/**
 * Rows of types that a plugin of this process brings: those of one that was switched off have no
 * address until it is back.
 */
export const ofKnownTypes = (types: readonly string[], column = "e.type"): string =>
  types.length === 0 ? "false" : `${column} in (${types.map((type) => `'${type}'`).join(", ")})`;

/** `pulp_type` filters of a list over all types of a family. */
export const typeFilters = (
  types: readonly string[],
  column = "e.type",
  described: readonly string[] = types,
): Filters => ({
  pulp_type: choiceFilter(column, types, { described }),
  pulp_type__in: choiceFilter(column, types, { described, isCsv: true }),
});

/** A plugin's own table beside the one of a family: its name, and its keys, which are its columns. */
export interface DetailOptions {
  readonly detail?: string;
  /** Keys and columns of the table `detail`. */
  readonly fields?: Fields;
  /** The table has a row only of those of which it says something. */
  readonly isSparse?: true;
}

/** How a plugin's own table joins `e`, whose alias is `d`, and which of the values are its columns. */
export interface Detail {
  readonly join: string;
  readonly fields: Fields;
  /** Name of the table, if there is one. */
  readonly table?: string;
  readonly isSparse: boolean;
  columnsOf(values: Values): Values;
}

export function detailOf({ detail, fields = {}, isSparse }: DetailOptions): Detail {
  const own = Object.entries(fields).map(
    ([name, field]) => [name, { ...field, sql: field.sql ?? `d.${name}` }] as const,
  );
  return {
    join: detail ? `${isSparse ? " left" : ""} join ${detail} d on d.id = e.id` : "",
    fields: Object.fromEntries(own),
    ...(detail ? { table: detail } : {}),
    isSparse: isSparse === true,
    columnsOf: (values) =>
      Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(fields, name))),
  };
}

/** Labels and roles of one master and detail type: every family has the same. */
export const entityActions = (
  { label, model }: { readonly label: string; readonly model: string },
  table: string,
  options?: LabelActionOptions,
): readonly Action[] => [
  ...labelActions(table, options),
  ...roleActions(`${label}.${model}`.toLowerCase()),
];

/**
 * A name is free in its family before anything is accepted; a race is settled by the database.
 *
 * @param self id of the object that already has the name.
 */
export async function checkNameFree(
  { ctx, caller }: Run,
  table: Family,
  { name, self }: { readonly name: unknown; readonly self?: string },
): Promise<void> {
  if (name === undefined) return;
  const { rows } = await sql`
    select from ${sql.table(table)} where domain = ${caller.domain.num} and name = ${name}
      and id is distinct from ${self ?? null}::uuid`.execute(ctx.db);
  if (rows.length > 0) throw fieldError("name", "This field must be unique.");
}

/** Id of the unit that a `content` filter names. */
export function contentKey(
  value: string,
  view: Parameters<NonNullable<Resource["address"]>>[1],
): string {
  if (value === "") throw new FilterProblem("No value supplied for content filter");
  const address = parseAddress(value, view);
  if (!address) throw new FilterProblem(`URI not valid: ${value}`, { isBare: true });
  if (address.resource.family !== "content") {
    throw new FilterProblem(`URI ${value} is not a valid Content.`, { isBare: true });
  }
  return address.key;
}
