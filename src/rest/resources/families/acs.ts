import { datetime, list, relation, text } from "../../kit/fields.ts";
import type { Filters } from "../../kit/filters/filter.ts";
import { FieldProblem, type Fields } from "../../kit/resource.ts";
import { entityOrderings, nameFilters } from "./common.ts";

function checkPaths(values: readonly string[]): readonly string[] {
  if (values.some((path) => path.startsWith("/"))) {
    throw new FieldProblem("Path cannot start with a slash.");
  }
  return values;
}

/** Keys of an alternate content source (core-rest §8.6). */
export const acsFields: Fields = {
  name: text({ required: true }),
  last_refreshed: datetime({ nullable: true }),
  paths: {
    ...list({ type: "string" }, { check: checkPaths }),
    sql: "(select coalesce(jsonb_agg(p.path order by p.path), '[\"\"]') from acs_path p where p.acs = e.id)",
  },
  remote: relation("remote", { to: "remote" }, { required: true }),
};

export const acsFilters: Filters = nameFilters;

export const acsOrderings = {
  ...entityOrderings,
  name: "e.name",
  last_refreshed: "e.last_refreshed",
} as const;
