import { sql } from "kysely";
import { isUuid } from "#base/uuid7.ts";
import type { JsonSchema } from "../schema.ts";
import { isTime } from "../time.ts";
import { type Condition, type Filter, FilterProblem, type Filters } from "./filter.ts";

/** Lookup sets of core-rest §3.4, without `exact`, which has no suffix. */
export const NAME = [
  ...["exact", "iexact", "in", "contains", "icontains"],
  ...["startswith", "istartswith", "regex", "iregex"],
] as const;
export const DATETIME = ["exact", "lt", "lte", "gt", "gte", "range", "isnull"] as const;
export const NULLNUM = ["exact", "ne", "lt", "lte", "gt", "gte", "range", "isnull"] as const;
export const NUMBER = ["exact", "lt", "lte", "gt", "gte", "range"] as const;

type Lookup = (typeof NAME)[number] | (typeof DATETIME)[number] | (typeof NULLNUM)[number];

interface Kind {
  readonly schema: JsonSchema;
  /** @throws `FilterProblem` when the text is no value of the kind. */
  read(text: string): unknown;
  /** SQL type of the value. */
  readonly cast: string;
}

const textKind: Kind = { schema: { type: "string" }, read: clean, cast: "text" };

const integerKind: Kind = {
  schema: { type: "integer" },
  read: (text) => {
    if (!/^\s*[-+]?\d{1,15}\s*$/.test(text)) throw new FilterProblem("Enter a whole number.");
    return Number(text);
  },
  cast: "bigint",
};

const TIME =
  /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?\s?(Z|[+-]\d{2}(:?\d{2})?)?)?$/i;

const datetimeKind: Kind = {
  schema: { type: "string", format: "date-time" },
  read: (text) => {
    // A plus sign of the zone that was not encoded arrives as a space.
    const value = text.trim().replace(/ (\d{2}:\d{2})$/, "+$1");
    if (!TIME.test(value) || !isTime(value)) throw new FilterProblem("Enter a valid date/time.");
    return value;
  },
  cast: "timestamptz",
};

const uuidKind: Kind = {
  schema: { type: "string", format: "uuid" },
  read: (text) => {
    if (!isUuid(text.toLowerCase())) throw new FilterProblem("Enter a valid UUID.");
    return text.toLowerCase();
  },
  cast: "uuid",
};

/** A NUL cannot be stored, so nothing equals it; PostgreSQL would refuse the text. */
function clean(text: string): string {
  if (text.includes("\0") || !text.isWellFormed())
    throw new FilterProblem("Null characters are not allowed.");
  return text;
}

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, "\\$&");

/** Texts compare in the "C" order of the database unless the lookup ignores case. */
function compare(column: string, lookup: Lookup, value: unknown, cast: string): Condition {
  const left = sql.raw(column);
  const right = sql`${value}::${sql.raw(cast)}`;
  const like = typeof value === "string" ? escapeLike(value) : "";
  switch (lookup) {
    case "exact":
      return sql`${left} = ${right}`;
    case "ne":
      return sql`${left} is distinct from ${right}`;
    case "lt":
      return sql`${left} < ${right}`;
    case "lte":
      return sql`${left} <= ${right}`;
    case "gt":
      return sql`${left} > ${right}`;
    case "gte":
      return sql`${left} >= ${right}`;
    case "iexact":
      return sql`${left} ilike ${like}`;
    case "contains":
      return sql`${left} like ${`%${like}%`}`;
    case "icontains":
      return sql`${left} ilike ${`%${like}%`}`;
    case "startswith":
      return sql`${left} like ${`${like}%`}`;
    case "istartswith":
      return sql`${left} ilike ${`${like}%`}`;
    case "regex":
      return sql`${left} ~ ${right}`;
    case "iregex":
      return sql`${left} ~* ${right}`;
    default:
      throw new Error(`No single value for the lookup ${lookup}.`);
  }
}

/** `true` and `false` in any case; other words are ignored (core-rest §3.4). */
export function readBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  return word === "true" ? true : word === "false" ? false : undefined;
}

function lookupFilter(column: string, lookup: Lookup, kind: Kind): Filter {
  switch (lookup) {
    case "in":
      return inFilter(column, kind);
    case "range":
      return rangeFilter(column, kind);
    case "isnull":
      return {
        schema: { type: "boolean" },
        condition: (value) => {
          const wanted = readBoolean(value);
          if (wanted === undefined) return undefined;
          return wanted ? sql`${sql.raw(column)} is null` : sql`${sql.raw(column)} is not null`;
        },
      };
    default:
      return {
        schema: kind.schema,
        condition: (value) => compare(column, lookup, kind.read(value), kind.cast),
      };
  }
}

const inFilter = (column: string, kind: Kind): Filter => ({
  schema: { type: "array", items: kind.schema },
  isCsv: true,
  condition: (value) => {
    const values = value.split(",").map((item) => kind.read(item));
    return sql`${sql.raw(column)} = any(${values}::${sql.raw(kind.cast)}[])`;
  },
});

const rangeFilter = (column: string, kind: Kind): Filter => ({
  schema: { type: "array", items: kind.schema },
  isCsv: true,
  condition: (value) => {
    const ends = value.split(",");
    if (ends.length !== 2) throw new FilterProblem("Range query expects two values.");
    const [low, high] = ends.map((end) => sql`${kind.read(end)}::${sql.raw(kind.cast)}`);
    return sql`${sql.raw(column)} between ${low} and ${high}`;
  },
});

const lookups =
  (kind: Kind) =>
  (name: string, column: string, names: readonly Lookup[] = ["exact"]): Filters =>
    Object.fromEntries(
      names.map((lookup) => [
        lookup === "exact" ? name : `${name}__${lookup}`,
        lookupFilter(column, lookup, kind),
      ]),
    );

/** `{name: …, name__in: …}` over a column of text. */
export const textFilters = lookups(textKind);
export const integerFilters = lookups(integerKind);
export const datetimeFilters = lookups(datetimeKind);
export const uuidFilters = lookups(uuidKind);

export const booleanFilter = (name: string, column: string): Filters => ({
  [name]: {
    schema: { type: "boolean" },
    condition: (value) => {
      const wanted = readBoolean(value);
      return wanted === undefined ? undefined : sql`${sql.raw(column)} = ${wanted}`;
    },
  },
});

interface ChoiceOptions {
  readonly isCsv?: boolean;
  /** The values of the description, where the baseline's knows fewer. */
  readonly described?: readonly string[];
}

/** One of a list of words; `isCsv` takes several with commas. */
export const choiceFilter = (
  column: string,
  values: readonly string[],
  { isCsv = false, described = values }: ChoiceOptions = {},
): Filter => {
  const one: JsonSchema = { type: "string", enum: described };
  return {
    schema: isCsv ? { type: "array", items: one } : one,
    ...(isCsv ? { isCsv } : {}),
    condition: (value) => {
      const wanted = isCsv ? value.split(",") : [value];
      const odd = wanted.find((word) => !values.includes(word));
      if (odd !== undefined) {
        throw new FilterProblem(
          `Select a valid choice. ${odd} is not one of the available choices.`,
          { code: "invalid_choice" },
        );
      }
      return sql`${sql.raw(column)} = any(${wanted}::text[])`;
    },
  };
};
