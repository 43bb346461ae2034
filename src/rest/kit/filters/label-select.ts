import { sql } from "kysely";
import { type Condition, type Filter, FilterProblem } from "./filter.ts";

export type LabelTerm =
  | { readonly kind: "has" | "lacks"; readonly key: string }
  | {
      readonly kind: "equals" | "differs" | "contains";
      readonly key: string;
      readonly value: string;
    };

const TERM = /^(!?)\s*([\w .-]+?)\s*(?:(!=|=|~)(.*))?$/s;
const KINDS = { "=": "equals", "!=": "differs", "~": "contains" } as const;

/**
 * Terms of `pulp_label_select`, split at commas that no backslash escapes (core-rest §3.6).
 *
 * @throws `FilterProblem`, answered as a bare list.
 */
export function parseLabelSelect(text: string): LabelTerm[] {
  return text.split(/(?<!\\),/).map((raw) => {
    const term = raw.replaceAll("\\,", ",").trim();
    const [, negated, key, operator, value = ""] = TERM.exec(term) ?? [];
    if (key === undefined)
      throw new FilterProblem(`Invalid search term: '${term}'.`, { isBare: true });
    if (operator === undefined) return { kind: negated ? "lacks" : "has", key };
    if (negated) throw new FilterProblem("Cannot use an operator with '!key'.", { isBare: true });
    return { kind: KINDS[operator as keyof typeof KINDS], key, value: value.trim() };
  });
}

function termCondition(column: string, term: LabelTerm): Condition {
  const labels = sql.raw(column);
  const { key } = term;
  switch (term.kind) {
    case "has":
      return sql`${labels} ? ${key}`;
    case "lacks":
      return sql`not coalesce(${labels} ? ${key}, false)`;
    case "equals":
      return sql`${labels} @> ${JSON.stringify({ [key]: term.value })}::jsonb`;
    case "differs":
      return sql`(${labels} ? ${key} and ${labels} ->> ${key} is distinct from ${term.value})`;
    case "contains":
      return sql`(${labels} ? ${key} and ${labels} ->> ${key} ilike ${`%${term.value.replace(/[\\%_]/g, "\\$&")}%`})`;
    default:
      return term satisfies never;
  }
}

export const labelSelect = (column = "e.labels"): Filter => ({
  schema: { type: "string" },
  takesEmpty: true,
  description: "Filter labels by search string",
  condition: (value) => {
    const conditions = parseLabelSelect(value).map((term) => termCondition(column, term));
    return sql`(${sql.join(conditions, sql` and `)})`;
  },
});
