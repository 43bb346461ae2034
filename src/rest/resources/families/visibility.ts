import { sql } from "kysely";
import type { Family } from "#core/plugin-contract.ts";
import type { Visibility } from "../../kit/visibility.ts";

/** Lists over all types show what the list of each type would show. */
export const ofFamily =
  (family: Family): Visibility =>
  (sight, { ctx }) =>
    sight.ofTypes("e", ctx.plugins.entities(family));

/** Units of the repositories that somebody sees; others belong to nobody but administrators. */
export const ofRepositories: Visibility = (sight, { ctx }) => {
  const seen = sight.ofTypes("r", ctx.plugins.entities("repository")) ?? sql`true`;
  return sql`exists (select from membership m join repository r on r.num = m.repository
    where m.domain = e.domain and m.content = e.id and ${seen})`;
};

/** Versions of the repositories that somebody sees; the repository is `r`. */
export const ofVersions: Visibility = (sight, { ctx }) =>
  sight.ofTypes("r", ctx.plugins.entities("repository"));
