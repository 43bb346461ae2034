import { type Labels, labelProblem } from "#base/labels.ts";
import { type RelationListOptions, relationList } from "./relation-list.ts";
import { type Field, FieldProblem, type Relation } from "./resource.ts";
import type { JsonSchema } from "./schema.ts";
import { entityHref, versionHref } from "./view.ts";

type Options = Omit<Field, "schema" | "relation">;

const field =
  (schema: JsonSchema) =>
  (options: Options = {}, limits: JsonSchema = {}): Field => ({
    ...options,
    schema: { ...schema, ...limits },
  });

/** Text, trimmed; blank only where `blank` says so. */
export const text = field({ type: "string" });
export const integer = field({ type: "integer", format: "int64" });
/** A whole number that a 32-bit column holds; larger ones are refused, though nothing publishes the limit. */
export const int32 = (options: Options = {}, limits: JsonSchema = {}): Field =>
  integer(
    {
      check: (value: number) => {
        if (Math.abs(value) > 2_147_483_647) {
          throw new FieldProblem("Ensure this value is less than or equal to 2147483647.");
        }
        return value;
      },
      ...options,
    },
    limits,
  );
export const number = field({ type: "number", format: "double" });
export const boolean = field({ type: "boolean" });
export const datetime = field({ type: "string", format: "date-time" });
/** A free JSON object. */
export const object = field({ type: "object" });
/** A file of a multipart form; its value is a received file. */
export const file = field({ type: "string", format: "binary" });
export const any = field({});

export const choice = (values: readonly string[], options: Options = {}): Field => ({
  ...options,
  schema: { type: "string", enum: values },
});

export const list = (items: JsonSchema, options: Options = {}): Field => ({
  ...options,
  schema: { type: "array", items },
});

/** A link that we show and nobody sets. */
export const link = (options: Options = {}): Field => ({
  readOnly: true,
  ...options,
  schema: { type: "string", format: "uri" },
});

/** `pulp_labels` (core-rest §2.4). */
export const labels: Field = {
  schema: { type: "object", additionalProperties: { type: "string", nullable: true } },
  sql: "coalesce(e.labels, '{}')",
  check: (value: Labels) => {
    const problem = labelProblem(value);
    if (problem) throw new FieldProblem(problem);
    return value;
  },
};

/** Helper columns carry a `$`, which no wire name has. */
const helper = (name: string, what: string): string => `${name}$${what}`;

/**
 * A reference to an object of a family, shown as its href; with `most`, a list of so many of a type.
 *
 * @param name key on the wire, which is also the column of `e` unless `column` says otherwise.
 */
export function relation(
  name: string,
  to: Relation,
  options: (Options & { readonly column?: string }) | RelationListOptions = {},
): Field {
  if ("most" in options) return relationList(name, typed(to), options);
  const { column = `e.${name}`, ...rest } = options;
  if (to.to === "repository_version") return versionRelation(name, to, { ...rest, column });
  const type = helper(name, "type");
  // Units tell their type by its number, so that a relation to them names its one type.
  const only = to.to === "content" ? to.types?.[0] : undefined;
  const isTyped = to.to !== "artifact" && to.to !== "upload" && only === undefined;
  return {
    sql: column,
    ...(isTyped
      ? { columns: { [type]: `(select x.type from ${to.to} x where x.id = ${column})` } }
      : {}),
    read: (row, view) => {
      const id = row[name];
      if (typeof id !== "string") return null;
      if (only !== undefined) return entityHref(view, "content", only, id);
      return isTyped
        ? entityHref(view, to.to as "remote", String(row[type]), id)
        : `${view.root}${view.domainEnabled ? `${view.domain}/` : ""}api/v3/${to.to}s/${id}/`;
    },
    ...rest,
    relation: to,
    schema: { type: "string", format: "uri" },
  };
}

function typed({ to, types: [type] = [] }: Relation) {
  if (type === undefined) throw new Error(`A list of ${to} has to say of which type.`);
  return { to, types: [type] } as const;
}

function versionRelation(
  name: string,
  to: Relation,
  { column, ...rest }: Options & { readonly column: string },
): Field {
  const address = helper(name, "address");
  return {
    sql: column,
    columns: {
      [address]: `(select jsonb_build_object('type', r.type, 'repository', r.id, 'number', v.number)
        from repository_version v join repository r on r.num = v.repository where v.id = ${column})`,
    },
    read: (row, view) =>
      row[address] ? versionHref(view, row[address] as Parameters<typeof versionHref>[1]) : null,
    ...rest,
    relation: to,
    schema: { type: "string", format: "uri" },
  };
}

/** `hidden_fields` of an object with secrets, in field order (core-rest §2.6). */
export const hiddenFields = (names: readonly string[]): Field => ({
  schema: {
    type: "array",
    items: {
      type: "object",
      properties: { name: { type: "string" }, is_set: { type: "boolean" } },
      required: ["name", "is_set"],
    },
  },
  readOnly: true,
  sql: `jsonb_build_array(${names
    .map((name) => `jsonb_build_object('name', '${name}', 'is_set', e.${name} is not null)`)
    .join(", ")})`,
});
