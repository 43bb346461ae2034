import { objectError } from "#base/errors.ts";
import { pdrn, prn } from "#base/prn.ts";
import {
  boolean,
  dispatch,
  distributionResource,
  ensureGuard,
  type Field,
  FieldProblem,
  link,
  type Resource,
  relation,
  resolveRelation,
  sql,
  text,
  textFilters,
} from "#sdk";
import { deleteDistributionTask } from "../delete-distributions.ts";
import { hasNameCharacters, MAX_NAME_LENGTH } from "../format/names.ts";
import { ensureNamespace, isPrivateByDefault, NAMESPACES, namespaceOf } from "../namespaces.ts";
import { REDIRECT_GUARD } from "../redirect-guard.ts";
import type { Trx } from "../trx.ts";
import { evictAction, evictionFields } from "./evict-action.ts";
import { names } from "./names.ts";
import { visibleDistributions, visiblePullThrough } from "./visibility.ts";

type Options = Parameters<typeof distributionResource>[0];
type View = Parameters<NonNullable<Field["read"]>>[1];
type Delete = NonNullable<Resource["operations"]["delete"]>;

function checkBasePath(value: string): string {
  if (value.length > MAX_NAME_LENGTH) {
    const text = `The entered base path cannot be longer than ${MAX_NAME_LENGTH} characters.`;
    throw new FieldProblem(text);
  }
  if (!hasNameCharacters(value))
    throw new FieldProblem("The provided base path contains forbidden characters.");
  return value;
}

/** How clients of the registry name a distribution. */
function registryPath({ origin, domain, domainEnabled }: View, basePath: string): string {
  const name = domainEnabled ? `${domain}/${basePath}` : basePath;
  return origin === "" ? name : `${new URL(origin).host}/${name}`;
}

const namespace: Field = link({
  sql: "d.namespace",
  read: (row, { root, domain, domainEnabled }) =>
    `${root}${domainEnabled ? `${domain}/` : ""}api/v3/${NAMESPACES}/${row.namespace}/`,
});

/** Keys of both kinds, columns of the core's table and of ours. */
const common = {
  fields: {
    base_path: text({ required: true, check: checkBasePath }),
    content_guard: relation(
      "content_guard",
      { to: "content_guard", types: [REDIRECT_GUARD.type] },
      { column: "e.guard" },
    ),
  },
  detailFields: {
    namespace,
    private: boolean(),
    description: text({ nullable: true }),
  },
  baseUrl: null,
} as const;

/** The namespace follows from the path, and the guard is the domain's unless another one is given. */
const complete: Options["complete"] = async ({ ctx, caller }, trx, { values, isNew }) => {
  const { base_path: path, content_guard: guard } = values;
  const { domain } = caller;
  const namespace =
    typeof path === "string"
      ? await ensureNamespace(ctx, trx, { caller, name: namespaceOf(path) })
      : undefined;
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(isNew && namespace !== undefined && values.private === undefined
      ? { private: await isPrivateByDefault(trx, namespace) }
      : {}),
    ...(isNew && !guard
      ? { content_guard: await ensureGuard(trx, { domain, ...REDIRECT_GUARD }) }
      : {}),
  };
};

const OF_PUSH =
  "A container push repository cannot be distributed by specifying a repository version.";

const checkVersion: Options["check"] = async ({ ctx }, { repository_version: version }) => {
  if (!version) return;
  const { rows } = await sql`
    select from repository_version v join repository r on r.num = v.repository
    where v.id = ${version} and r.type = 'container.container-push'`.execute(ctx.db);
  if (rows.length > 0) throw objectError(OF_PUSH);
};

/** With `?keep_repository=true` the repository stays whatever it is. */
const deletion: Delete = {
  mode: "task",
  async run({ ctx, caller, query }, row) {
    const distribution = String(row.$key);
    const { rows } = await sql<{ id: string; type: string }>`
      select id, type from repository
      where domain = ${caller.domain.num} and id = ${row.repository}`.execute(ctx.db);
    const { id } = await dispatch(ctx, {
      task: deleteDistributionTask,
      input: { distribution, keepRepository: query.get("keep_repository") === "true" },
      caller,
      exclusive: [
        prn("container.ContainerDistribution", distribution),
        ...rows.map((one) => prn(ctx.plugins.entity("repository", one.type).model, one.id)),
      ],
      shared: [pdrn(caller.domain.id, "distributions")],
    });
    return { kind: "task", task: id };
  },
};

export const containerDistributionResource = distributionResource({
  ...names("ContainerDistribution", "distributions/container/container", {
    title: "container distribution",
    type: "container.container",
  }),
  ...common,
  detail: "container_distribution",
  fields: {
    ...common.fields,
    repository_version: relation(
      "repository_version",
      { to: "repository_version" },
      { nullable: true, column: "e.version" },
    ),
    registry_path: text({
      readOnly: true,
      sql: "e.base_path",
      read: (row, view) => registryPath(view, String(row.registry_path)),
    }),
    remote: relation("remote", { to: "remote" }, { readOnly: true, mayBeNull: true }),
  },
  filters: {
    ...textFilters(
      "namespace__name",
      "(select n.name from container_namespace n where n.id = d.namespace)",
    ),
  },
  orderings: { description: "d.description", private: "d.private" },
  mayNest: true,
  visibility: visibleDistributions,
  check: checkVersion,
  complete,
  delete: deletion,
});

const ofContainer = { to: "distribution", types: ["container.container"] } as const;

/** Those that it made. */
const distributions: Field = {
  schema: { type: "array", items: { type: "string", format: "uri" } },
  sql: `(select coalesce(jsonb_agg(m.id order by m.id), '[]') from container_distribution m
    where m.domain = e.domain and m.pull_through = e.id)`,
  read: (row, { root, domain, domainEnabled }) =>
    ((row.distributions ?? []) as readonly string[]).map(
      (id) =>
        `${root}${domainEnabled ? `${domain}/` : ""}api/v3/distributions/container/container/${id}/`,
    ),
  check: (hrefs: readonly string[], run) =>
    Promise.all(hrefs.map((href) => resolveRelation(run, href, ofContainer))),
};

/** What is no column of a pull-through distribution: which of the others are its own. */
async function attach(trx: Trx, id: string, values: Readonly<Record<string, unknown>>) {
  if (!Array.isArray(values.distributions)) return;
  await sql`
    update container_distribution set pull_through =
      case when id = any(${values.distributions}::uuid[]) then ${id}::uuid end
    where pull_through = ${id} or id = any(${values.distributions}::uuid[])`.execute(trx);
}

export const pullThroughDistributionResource = distributionResource({
  ...names("ContainerPullThroughDistribution", "distributions/container/pull-through", {
    title: "container pull through distribution",
    type: "container.pull-through",
  }),
  ...common,
  detail: "container_distribution",
  detailFields: { ...common.detailFields, ...evictionFields },
  actions: [evictAction],
  fields: {
    ...common.fields,
    remote: relation(
      "remote",
      { to: "remote", types: ["container.pull-through"] },
      { required: true },
    ),
    distributions,
  },
  visibility: visiblePullThrough,
  complete,
  attach,
});
