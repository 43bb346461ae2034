import { fieldError, objectError } from "#base/errors.ts";
import {
  type Action,
  defineResource,
  labelActions,
  labelSelect,
  labels,
  NAME,
  relation,
  relationFilter,
  roleActions,
  sql,
  tenancy,
  text,
  textFilters,
  type Values,
} from "#sdk";
import { domainHref } from "../domain-href.ts";
import type { Run } from "../resource-types.ts";
import { yankErrors } from "./errors.ts";
import { addMonitor, changeMonitor, PYTHON, removeMonitor, watchedBy } from "./monitors-table.ts";
import { newestReport } from "./reports-table.ts";
import { dispatchCheck } from "./tasks.ts";

type Field = ReturnType<typeof text>;
type View = Parameters<NonNullable<Field["read"]>>[1];

const TABLE = "service_yank_monitor";

const ONE = "Exactly one of 'repository' or 'repository_version' must be specified.";
const NO_REPOSITORY = "Only Python repositories can be monitored for PyPI yanking.";
const NO_VERSION = "Only Python repository versions can be monitored for PyPI yanking.";

/** Addresses are those of the domain of what is watched, whatever domain the request names. */
const inItsDomain = (row: Values, view: View, path: string): string =>
  domainHref(view, String(row.pulp_domain), `${PYTHON.path}/${path}/`);

const repository = relation(
  "repository",
  { to: "repository" },
  {
    nullable: true,
    read: (row, view) => (row.repository ? inItsDomain(row, view, String(row.repository)) : null),
  },
);

const version = relation(
  "repository_version",
  { to: "repository_version" },
  {
    nullable: true,
    column: "e.version",
    columns: {
      version$path: `(select r.id || '/versions/' || v.number from repository_version v
        join repository r on r.num = v.repository where v.id = e.version)`,
    },
    read: (row, view) =>
      row.version$path ? inItsDomain(row, view, String(row.version$path)) : null,
  },
);

const changeable = {
  description: text({ nullable: true, blank: true }, { maxLength: 10_000 }),
  pulp_labels: labels,
};

const change: Action = {
  name: "partial_update",
  method: "PATCH",
  on: "object",
  path: "",
  body: { schema: "Patchedservice.PyPIYankMonitor", fields: changeable, isPartial: true },
  answers: { 200: "service.PyPIYankMonitorResponse" },
  async run({ ctx }, values, row) {
    const id = String(row.$key);
    await changeMonitor(ctx.db, id, values);
    return { kind: "object", id, status: 200 };
  },
};

const check: Action = {
  name: "check",
  method: "POST",
  on: "object",
  answers: { 202: "AsyncOperationResponse" },
  async run({ ctx, caller, view, request }, _values, row) {
    const watched = await watchedBy(ctx, String(row.$key));
    if (!watched) throw yankErrors.gone(String(row.$key));
    const task = await dispatchCheck(ctx, caller, watched);
    request.audit?.dispatched({ task });
    const href = domainHref(view, watched.domain.name, `tasks/${task}/`);
    return { kind: "json", status: 202, body: { task: href } };
  },
};

const report: Action = {
  name: "report",
  method: "GET",
  on: "object",
  answers: { 200: "service.YankedPackageReportResponse" },
  async run({ ctx }, _values, row) {
    const found = await newestReport(ctx, String(row.$key));
    if (!found) throw yankErrors.noReport();
    return { kind: "json", status: 200, body: { ...found } };
  },
};

/** Who watches whether releases of Python repositories were yanked from the public index (service §8.3). */
export const yankMonitors = defineResource({
  path: "pypi_yank_monitor",
  label: "service",
  model: "PyPIYankMonitor",
  title: "yank monitor",
  key: "uuid",
  // Of no domain, so that addresses stay what they were: they all lie below `default`.
  source: { from: `${TABLE} e`, domain: null },
  fields: {
    name: text({ required: true }, { maxLength: 255 }),
    ...changeable,
    repository,
    repository_version: version,
    last_checked: text({ readOnly: true, mayBeNull: true }, { format: "date-time" }),
    pulp_domain: text({
      readOnly: true,
      sql: "(select d.name from domain d where d.num = e.domain)",
    }),
  },
  filters: {
    ...textFilters("name", "e.name", NAME),
    pulp_label_select: labelSelect("e.labels"),
    repository: relationFilter("repository", "e.repository", "repository"),
  },
  orderings: { name: "e.name", last_checked: "e.last_checked" },
  operations: {
    list: true,
    read: true,
    create: { mode: "sync", check: checkNew, apply: create },
    delete: {
      mode: "sync",
      async apply({ ctx }, row) {
        await removeMonitor(ctx.db, String(row.$key));
      },
    },
  },
  actions: [
    change,
    check,
    report,
    ...labelActions(TABLE),
    ...roleActions("service.pypiyankmonitor"),
  ],
});

/** @throws `ValidationError` unless it is about one Python repository, or one version of one. */
async function checkNew({ ctx }: Run, { repository: whole, repository_version: pinned }: Values) {
  const isWhole = typeof whole === "string";
  if (isWhole === (typeof pinned === "string")) throw objectError(ONE);
  const { rows } = await (isWhole
    ? sql<{ type: string }>`select type from repository where id = ${whole}`
    : sql<{ type: string }>`select r.type from repository r
          join repository_version v on v.repository = r.num where v.id = ${pinned}`
  ).execute(ctx.db);
  if (rows[0]?.type !== PYTHON.type) throw objectError(isWhole ? NO_REPOSITORY : NO_VERSION);
}

function create(
  { ctx, caller }: Run,
  values: Values,
  made: (trx: Parameters<typeof addMonitor>[0], id: string) => Promise<void>,
): Promise<string> {
  return tenancy.inTransaction(ctx, undefined, async (trx) => {
    const id = await addMonitor(trx, {
      domain: caller.domain.num,
      name: String(values.name),
      description: textOrNull(values.description),
      labels: values.pulp_labels ?? {},
      repository: textOrNull(values.repository),
      version: textOrNull(values.repository_version),
    });
    if (id === undefined) throw fieldError("name", "This field must be unique.");
    await made(trx, id);
    return id;
  });
}

const textOrNull = (value: unknown): string | null => (typeof value === "string" ? value : null);
