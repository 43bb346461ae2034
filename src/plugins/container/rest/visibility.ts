import { sql, type Visibility } from "#sdk";

/**
 * What somebody sees over REST (plugin-container §9.4): who may see the place that serves something
 * sees it, too.
 */

type Sight = Parameters<Visibility>[0];
type Condition = ReturnType<Visibility>;

const DISTRIBUTION = "container.containerdistribution";
const PULL_THROUGH = "container.containerpullthroughdistribution";
const NAMESPACE = "container.containernamespace";
const REPOSITORY = "container.containerrepository";

const inNamespace = (permission: string) => `container.namespace_${permission}`;

/** Public ones, those with a role on themselves, and those in a namespace with one; `c` is the detail. */
function servedBy(sight: Sight, model: string, { id, c }: { id: string; c: string }) {
  const viewDistributions = inNamespace("view_containerdistribution");
  if (sight.isWhole(model) || sight.holds(viewDistributions)) return undefined;
  return sql`(not ${sql.ref(`${c}.private`)} or ${sight.one(id, model)}
    or ${sight.one(`${c}.namespace`, NAMESPACE, viewDistributions)})`;
}

export const visibleDistributions: Visibility = (sight) =>
  servedBy(sight, DISTRIBUTION, { id: "e.id", c: "d" });

export const visiblePullThrough: Visibility = (sight) =>
  servedBy(sight, PULL_THROUGH, { id: "e.id", c: "d" });

/** Repositories under an alias: behind a distribution that shows, or by a right of their own. */
function repositoriesSeen(sight: Sight, alias: string): Condition {
  const kinds = ["containerrepository", "containerpushrepository"] as const;
  if (sight.isWhole(REPOSITORY)) return undefined;
  if (kinds.every((kind) => sight.holds(inNamespace(`view_${kind}`)))) return undefined;
  const served = servedBy(sight, DISTRIBUTION, { id: "x.id", c: "c" }) ?? sql`true`;
  const byNamespace = kinds.map((kind) =>
    sight.one("c.namespace", NAMESPACE, inNamespace(`view_${kind}`)),
  );
  const r = (column: string) => sql.ref(`${alias}.${column}`);
  return sql`(${sight.one(`${alias}.id`, REPOSITORY)} or exists (
    select from distribution x join container_distribution c on c.domain = x.domain and c.id = x.id
    where x.domain = ${r("domain")}
      and (x.repository = ${r("id")} or x.version in (
        select v.id from repository_version v where v.repository = ${r("num")}))
      and (${served} or ${sql.join(byNamespace, sql` or `)})))`;
}

export const visibleRepositories: Visibility = (sight) => repositoriesSeen(sight, "e");

/** Whoever may see every namespace sees all content; others what is in repositories that show. */
export const visibleContent: Visibility = (sight) => {
  if (sight.isWhole(NAMESPACE)) return undefined;
  const seen = repositoriesSeen(sight, "r") ?? sql`true`;
  return sql`exists (select from membership m join repository r on r.num = m.repository
    where m.domain = e.domain and m.content = e.id and ${seen})`;
};
