import { resolveRelation } from "./references.ts";
import { type Field, FieldProblem, type Relation } from "./resource.ts";
import { entityHref } from "./view.ts";

export interface RelationListOptions extends Omit<Field, "schema" | "relation"> {
  /** Most objects that it may name. */
  readonly most: number;
  /** A column of JSON with the ids in order; those of objects that are gone are passed over. */
  readonly column: string;
}

/** References to objects of one family and type, shown as hrefs in their order, each once. */
export function relationList(
  name: string,
  to: Relation & { readonly types: readonly [string] },
  { most, column, ...options }: RelationListOptions,
): Field {
  const [type] = to.types;
  return {
    absent: () => [],
    sql: `(select coalesce(jsonb_agg(x.id order by t.n), '[]')
      from jsonb_array_elements_text(${column}) with ordinality t (id, n)
      join ${to.to} x on x.domain = e.domain and x.id = t.id::uuid and x.type = '${type}')`,
    read: (row, view) =>
      (row[name] as readonly string[]).map((id) => entityHref(view, to.to as "remote", type, id)),
    ...options,
    accepts: { type: "array", items: { type: "string" } },
    check: async (hrefs: readonly string[], run) => {
      if (hrefs.length > most) {
        throw new FieldProblem(`Ensure this field has no more than ${most} elements.`);
      }
      const ids = new Set<string>();
      for (const href of hrefs) ids.add(await resolveRelation(run, href, to));
      return [...ids];
    },
    schema: { type: "array", items: { type: "string", format: "uri" } },
  };
}
