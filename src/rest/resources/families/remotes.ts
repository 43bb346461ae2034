import { fieldError, objectError } from "#base/errors.ts";
import type { Labels } from "#base/labels.ts";
import { insertDetail, updateDetail } from "#core/detail.ts";
import { createRemote, deleteRemote, openSecrets, updateRemote } from "#core/remotes/commands.ts";
import { remoteById } from "#core/remotes/queries.ts";
import {
  certificates,
  filePath,
  importPathProblem,
  proxyProblem,
  proxyUrlProblem,
  urlProblem,
} from "#core/remotes/rules.ts";
import type { Policy } from "#core/remotes/table.ts";
import type { NewRemote, RemoteColumns } from "#core/remotes/types.ts";
import { inTransaction } from "#core/transaction.ts";
import type { Run } from "../../kit/call.ts";
import {
  boolean,
  choice,
  hiddenFields,
  int32,
  labels,
  list,
  number,
  text,
} from "../../kit/fields.ts";
import type { Filters } from "../../kit/filters/filter.ts";
import { labelSelect } from "../../kit/filters/label-select.ts";
import { DATETIME, datetimeFilters } from "../../kit/filters/lookups.ts";
import {
  type Action,
  defineResource,
  type Field,
  FieldProblem,
  type Fields,
  type Resource,
  type Row,
  type Values,
} from "../../kit/resource.ts";
import { entityHref } from "../../kit/view.ts";
import {
  checkNameFree,
  type DetailOptions,
  detailOf,
  entityActions,
  entityOrderings,
  nameFilters,
  ofKnownTypes,
  typeFilters,
} from "./common.ts";
import { ofFamily } from "./visibility.ts";

/** Fields that are stored encrypted and never shown, in the order of `hidden_fields`. */
export const REMOTE_SECRETS = [
  ...["client_key", "proxy_username", "proxy_password", "username", "password"],
] as const;

const checked = (problem: (value: string) => string | undefined) => (value: string) => {
  const text = problem(value);
  if (text !== undefined) throw new FieldProblem(text);
  return value;
};

const certificate = (field: string) =>
  text({
    nullable: true,
    check: (value: string) => {
      const result = certificates(field, value);
      if ("problem" in result) throw new FieldProblem(result.problem);
      return result.pem;
    },
  });

const POLICIES: readonly Policy[] = ["immediate", "on_demand", "streamed"];

const downloadPolicy = (ofMost: Policy, policies = POLICIES): Field =>
  choice(policies, { default: ofMost });

const secret = (verbatim = false) => text({ nullable: true, writeOnly: true, verbatim });
const seconds = () => number({ nullable: true }, { minimum: 0 });

/** Keys that every remote has, in the order of the wire (core-rest §8.5). */
export const remoteFields: Fields = {
  name: text({ required: true }),
  url: text({ required: true, check: checked(urlProblem) }),
  ca_cert: certificate("ca_cert"),
  client_cert: certificate("client_cert"),
  client_key: secret(),
  tls_validation: boolean(),
  proxy_url: text({ nullable: true, check: checked(proxyUrlProblem) }),
  proxy_username: secret(),
  proxy_password: secret(true),
  username: secret(),
  password: secret(true),
  pulp_labels: labels,
  download_concurrency: int32({ nullable: true }, { minimum: 1 }),
  max_retries: int32({ nullable: true }),
  policy: downloadPolicy("immediate"),
  total_timeout: seconds(),
  connect_timeout: seconds(),
  sock_connect_timeout: seconds(),
  sock_read_timeout: seconds(),
  headers: list({ type: "object" }, { mayBeNull: true, sql: "coalesce(e.headers, '[]')" }),
  rate_limit: int32({ nullable: true }),
  hidden_fields: hiddenFields(REMOTE_SECRETS),
};

export const remoteFilters: Filters = {
  ...nameFilters,
  ...datetimeFilters("pulp_last_updated", "e.updated", DATETIME),
  pulp_label_select: labelSelect(),
};

const plainColumns = Object.keys(remoteFields).filter(
  (name) => !["pulp_labels", "hidden_fields"].includes(name) && !isSecret(name),
);

function isSecret(name: string): boolean {
  return (REMOTE_SECRETS as readonly string[]).includes(name);
}

/** Secrets sort by whether they are set: a token's text says nothing. */
export const remoteOrderings: Readonly<Record<string, string>> = {
  ...entityOrderings,
  pulp_labels: "e.labels",
  ...Object.fromEntries(plainColumns.map((name) => [name, `e.${name}`])),
  ...Object.fromEntries(REMOTE_SECRETS.map((name) => [name, `(e.${name} is not null)`])),
};

/** `remotes/`: all types of the domain. */
export const allRemotes = (types: readonly string[]): Resource =>
  defineResource({
    path: "remotes",
    label: "core",
    model: "Remote",
    schema: "GenericRemote",
    family: "remote",
    title: "remote",
    key: "uuid",
    source: { from: "remote e", where: ofKnownTypes(types) },
    fields: remoteFields,
    address: (row, view) => entityHref(view, "remote", String(row.$type), String(row.$key)),
    rowModel: (row, view) => view.ctx.plugins.entity("remote", String(row.$type)).model,
    addressColumns: { $type: "e.type" },
    filters: { ...remoteFilters, ...typeFilters(types) },
    orderings: remoteOrderings,
    visibility: ofFamily("remote"),
    operations: { list: true },
  });

export interface RemoteOptions extends DetailOptions {
  readonly path: string;
  readonly label: string;
  readonly model: string;
  /** `file.file` */
  readonly type: string;
  readonly title: string;
  readonly actions?: readonly Action[];
  /** Download policy of remotes that say none; without it `immediate`. */
  readonly policy?: Policy;
  /** Download policies that it can have; without it all. */
  readonly policies?: readonly Policy[];
  /** What keys of the request are as columns of `detail`; without it each key is a column. */
  toDetail?(values: Values): Values;
}

/** A remote of one type: all five operations. */
export const remoteResource = (options: RemoteOptions): Resource => {
  const { path, label, model, type, title, actions = [], policy = "immediate" } = options;
  const { join, table, fields, columnsOf } = detailOf(options);
  const detail = (values: Values) => columnsOf(options.toDetail?.(values) ?? values);
  return defineResource({
    path,
    label,
    model,
    title,
    family: "remote",
    key: "uuid",
    source: { from: `remote e${join}`, where: `e.type = '${type}'` },
    fields: { ...remoteFields, policy: downloadPolicy(policy, options.policies), ...fields },
    filters: remoteFilters,
    orderings: remoteOrderings,
    operations: {
      list: true,
      read: true,
      create: {
        mode: "sync",
        check: async (run, values) => {
          checkRemote(run, values);
          await checkNameFree(run, "remote", { name: values.name });
        },
        apply: ({ ctx, caller: { domain } }, values, made) =>
          inTransaction(ctx, undefined, async (trx) => {
            const input = { domain, type, values: toRemote(values) as NewRemote };
            const id = await createRemote(ctx, input, trx);
            if (table)
              await insertDetail(trx, table, { id, domain: domain.num, ...detail(values) });
            await made(trx, id);
            return id;
          }),
      },
      update: {
        mode: "task",
        check: async (run, values, row) => {
          checkRemote(run, { ...row, ...(await secretsOf(run, row)), ...values });
          await checkNameFree(run, "remote", { name: values.name, self: String(row.$key) });
        },
        current: secretsOf,
        apply: ({ ctx, caller: { domain } }, row, changes) =>
          inTransaction(ctx, undefined, async (trx) => {
            const id = String(row.$key);
            if (table) await updateDetail(trx, table, { id, values: detail(changes) });
            await updateRemote(ctx, { domain, id, values: toRemote(changes) }, trx);
          }),
      },
      delete: {
        mode: "deferred",
        apply: ({ ctx, caller }, row) => deleteRemote(ctx, caller.domain, String(row.$key)),
      },
    },
    actions: [...actions, ...entityActions({ label, model }, "remote")],
  });
};

/** The columns of a remote from the wire's names. */
function toRemote({ pulp_labels: labelMap, ...values }: Values): RemoteColumns {
  const columns = Object.entries(values).filter(([name]) => Object.hasOwn(remoteFields, name));
  const given: RemoteColumns = Object.fromEntries(columns);
  return labelMap === undefined ? given : { ...given, labels: labelMap as Labels };
}

async function secretsOf({ ctx, caller }: Run, row: Row): Promise<Values> {
  const stored = await remoteById(ctx.db, caller.domain, String(row.$key));
  return stored ? openSecrets(ctx, stored) : {};
}

/** Rules over the whole remote, as it will be (core-rest §8.5). */
function checkRemote({ ctx }: Run, values: Values): void {
  const proxy = proxyProblem(values as RemoteColumns);
  if (proxy) throw objectError(proxy);
  const path = filePath(String(values.url ?? ""));
  if (path !== undefined && !isImportPath(path, ctx.settings.ALLOWED_IMPORT_PATHS)) {
    throw fieldError("url", importPathProblem(path));
  }
}

/** Compared segment by segment: `/mnt/foo` does not admit `/mnt/foobar`. */
const isImportPath = (path: string, allowed: readonly string[]): boolean =>
  allowed.some((folder) => path === folder || path.startsWith(`${folder.replace(/\/+$/, "")}/`));
