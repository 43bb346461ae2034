import { fieldError } from "#base/errors.ts";
import { type Field, relation, sql, textFilters } from "#sdk";
import { MANIFEST_TYPES } from "../format/media-types.ts";

/** Links to other units, and filters that several kinds of content have. */

/** Hrefs of units of one type. */
export function unitLinks(name: string, type: string, ids: string): Field {
  const { read } = relation(name, { to: "content", types: [type] });
  return {
    schema: { type: "array", items: { type: "string", format: "uri" } },
    required: true,
    sql: ids,
    read: (row, view) =>
      ((row[name] ?? []) as readonly string[]).map((id) => read?.({ [name]: id }, view) ?? null),
  };
}

/** Ids of what a manifest names and the domain has, in its order, each once. */
export const named = (kind: "config" | "layer" | "child"): string => {
  const table = kind === "child" ? "container_manifest" : "container_blob";
  return `(select coalesce(jsonb_agg(n.id order by n.position), '[]') from (
    select u.id, min(r.position) as position from container_reference r
    join ${table} u on u.domain = r.domain and u.digest = r.digest
    where r.domain = e.domain and r.manifest = e.id and r.kind = '${kind}' group by u.id) n)`;
};

const CHOICES: readonly string[] = [...MANIFEST_TYPES].sort();

/** Given several times, any of them; exact (plugin-container §2.6). */
export const mediaTypeFilter = (column: string) => ({
  schema: { type: "array" as const, items: { type: "string" as const, enum: CHOICES } },
  isRepeatable: true,
  condition: (value: string) => {
    if (CHOICES.includes(value)) return sql`${sql.raw(column)} = ${value}`;
    const text = `Select a valid choice. ${value} is not one of the available choices.`;
    throw fieldError("media_type", text);
  },
});

/** Several values with commas, of which any may hold. */
export const anyOf = (name: string, column: string) => {
  const { [`${name}__in`]: filter } = textFilters(name, column, ["in"]);
  return filter ? { [name]: filter } : {};
};
