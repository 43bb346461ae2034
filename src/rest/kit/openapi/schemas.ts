import type { Field, Fields, Resource } from "../resource.ts";
import type { JsonSchema } from "../schema.ts";

/** How a document treats what the baseline's description leaves out. */
export interface Dialect {
  /** Says which values may be null and that `fields` may drop any key (`pk_path`). */
  readonly isExact: boolean;
}

/** JSON Schema as it stands in a document: `ref` has become `$ref`. */
export type Node = Readonly<Record<string, unknown>>;

export function toNode({
  ref,
  items,
  properties,
  additionalProperties: rest,
  ...schema
}: JsonSchema): Node {
  if (ref !== undefined) {
    const target = { $ref: `#/components/schemas/${ref}` };
    return Object.keys(schema).length === 0 ? target : { allOf: [target], ...schema };
  }
  return {
    ...schema,
    ...(items ? { items: toNode(items) } : {}),
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([k, v]) => [k, toNode(v)]),
          ),
        }
      : {}),
    ...(rest === undefined
      ? {}
      : { additionalProperties: typeof rest === "object" ? toNode(rest) : rest }),
  };
}

/** Text that may not be blank has a least length in requests. */
function withMinLength(schema: JsonSchema, isBlank: boolean): JsonSchema {
  if (schema.type === "array" && schema.items) {
    return { ...schema, items: withMinLength(schema.items, isBlank) };
  }
  const isPlain = schema.type === "string" && !schema.format && !schema.enum && !isBlank;
  return isPlain ? { minLength: 1, ...schema } : schema;
}

function withoutMinLength({ minLength: _, items, ...schema }: JsonSchema): JsonSchema {
  return items ? { ...schema, items: withoutMinLength(items) } : schema;
}

const flags = ({ nullable, deprecated, default: value }: Field): JsonSchema => ({
  ...(nullable ? { nullable } : {}),
  ...(deprecated ? { deprecated } : {}),
  ...(value === undefined ? {} : { default: value }),
});

/** The body of a request; a PATCH requires nothing. */
export function requestSchema(
  fields: Fields,
  { isPatch, isExact }: Dialect & { readonly isPatch: boolean },
): Node {
  const writable = Object.entries(fields).filter(([, field]) => !field.readOnly);
  const required = writable.filter(([, field]) => field.required && !isPatch).map(([name]) => name);
  const properties = writable.map(([name, field]) => {
    const accepted = isExact ? (field.accepts ?? field.schema) : field.schema;
    const schema = withMinLength(accepted, field.blank === true);
    const writeOnly = field.writeOnly ? { writeOnly: true } : {};
    return [name, toNode({ ...schema, ...flags(field), ...writeOnly })] as const;
  });
  return objectNode(properties, required);
}

export function responseSchema(
  resource: Pick<Resource, "common">,
  fields: Fields,
  dialect: Dialect,
): Node {
  const readable = Object.entries(fields).filter(([, field]) => !field.writeOnly);
  const required = readable.filter(
    ([, field]) => field.required && !field.readOnly && !dialect.isExact,
  );
  const common = (resource.common ?? []).map((name) => [name, COMMON[name]] as const);
  const properties = readable.map(([name, field]) => [name, answerNode(field, dialect)] as const);
  return objectNode(
    [...common, ...properties],
    required.map(([name]) => name),
  );
}

function answerNode(field: Field, { isExact }: Dialect): Node {
  const schema = withoutMinLength(field.answer ?? field.schema);
  const nullable = isExact && field.mayBeNull ? { nullable: true } : {};
  return toNode({
    ...schema,
    ...flags(field),
    ...(field.readOnly ? { readOnly: true } : {}),
    ...nullable,
  });
}

const objectNode = (
  properties: readonly (readonly [string, Node])[],
  required: readonly string[],
): Node => ({
  type: "object",
  properties: Object.fromEntries(properties),
  ...(required.length > 0 ? { required } : {}),
});

const COMMON = {
  pulp_href: { type: "string", format: "uri", readOnly: true },
  prn: { type: "string", readOnly: true, description: "The Pulp Resource Name (PRN)." },
  pulp_created: {
    type: "string",
    format: "date-time",
    readOnly: true,
    description: "Timestamp of creation.",
  },
  pulp_last_updated: {
    type: "string",
    format: "date-time",
    readOnly: true,
    description: "Timestamp of the last change.",
  },
} as const;

export const pageSchema = (item: string): Node => ({
  type: "object",
  required: ["count", "results"],
  properties: {
    count: { type: "integer", example: 123 },
    next: { type: "string", nullable: true, format: "uri" },
    previous: { type: "string", nullable: true, format: "uri" },
    results: { type: "array", items: { $ref: `#/components/schemas/${item}` } },
  },
});
