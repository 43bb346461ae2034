import { Kind, type TSchema } from "@sinclair/typebox";

/** What a schema accepts, as the end of "must be …". */
export function describeSchema(schema: TSchema): string {
  if (Array.isArray(schema.anyOf)) return describeUnion(schema.anyOf as readonly TSchema[]);
  if ("const" in schema) return JSON.stringify(schema.const);
  const describe = DESCRIPTIONS[schema[Kind]];
  return describe ? describe(schema) : "another value";
}

const DESCRIPTIONS: Readonly<Record<string, (schema: TSchema) => string>> = {
  String: () => "a text",
  Boolean: () => "true or false",
  Null: () => "null",
  Unknown: () => "any value",
  Object: () => "a map",
  Record: () => "a map",
  Integer: (schema) => `an integer${limits(schema)}`,
  Number: (schema) => `a number${limits(schema)}`,
  Array: ({ items }) => `a list (each item ${describeSchema(items as TSchema)})`,
};

function describeUnion(members: readonly TSchema[]): string {
  const texts = members.map(describeSchema);
  const last = texts.pop() ?? "";
  return texts.length > 0 ? `${texts.join(", ")} or ${last}` : last;
}

function limits({ minimum, maximum, exclusiveMinimum }: TSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`;
  return maximum === undefined ? "" : ` of at most ${maximum}`;
}
