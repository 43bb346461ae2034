import { sql } from "kysely";
import { fieldError, ValidationError } from "#base/errors.ts";
import type { Json, JsonObject } from "#base/json.ts";
import { prn } from "#base/prn.ts";
import type { Ctx, DomainRef } from "#core/ctx.ts";
import {
  checkDomainName,
  createDomain,
  DEFAULT_DOMAIN,
  deleteDomain,
  isProtected,
  openOptions,
  requireBackend,
  shownOptions,
  storeOptions,
  updateDomain,
} from "#core/domains/commands.ts";
import { homeStore } from "#core/domains/home-store.ts";
import { migrateBackend } from "#core/domains/tasks.ts";
import { FILE_SYSTEM, GCS, STORAGE_CLASSES } from "#core/domains/types.ts";
import { dispatch } from "#core/tasks/commands.ts";
import { inTransaction } from "#core/transaction.ts";
import type { Call, Run } from "../kit/call.ts";
import { boolean, choice, labels, object, text } from "../kit/fields.ts";
import { labelSelect } from "../kit/filters/label-select.ts";
import { NAME, textFilters } from "../kit/filters/lookups.ts";
import { GENERAL_DELETE } from "../kit/general-tasks.ts";
import { keyOf } from "../kit/present.ts";
import {
  type Action,
  defineResource,
  FieldProblem,
  type Fields,
  type Outcome,
  type Row,
  type Values,
} from "../kit/resource.ts";
import { href, type View } from "../kit/view.ts";
import { labelActions } from "./label-actions.ts";

/** What the baseline describes; the current name of the second class is accepted as well. */
const DESCRIBED = [
  FILE_SYSTEM,
  "storages.backends.azure_storage.AzureStorage",
  "storages.backends.s3boto3.S3Boto3Storage",
];

/** Options in clear, secrets among them. */
function storedOptions(row: Row, ctx: Ctx): JsonObject {
  const sealed = (row.storage_settings ?? {}) as JsonObject;
  if (row.name === DEFAULT_DOMAIN && Object.keys(sealed).length === 0)
    return homeStore(ctx.settings).options;
  return openOptions(sealed, ctx.secrets);
}

const showOptions = (row: Row, { ctx }: View): Json =>
  shownOptions(String(row.storage_class), storedOptions(row, ctx));

const storeFields: Fields = {
  storage_class: choice(DESCRIBED, {
    required: true,
    accepts: { type: "string", enum: [...STORAGE_CLASSES] },
  }),
  storage_settings: object({ required: true, read: showOptions, accepts: {}, check: settingsMap }),
};

/** A map, or the JSON text of one (core-content §2.3). */
function settingsMap(given: Json): JsonObject {
  const value = typeof given === "string" ? parsed(given) : given;
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as JsonObject;
  throw new FieldProblem("Expected a dictionary of items.");
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new FieldProblem("Value must be valid JSON.");
  }
}

const fields: Fields = {
  name: text(
    {
      required: true,
      check: (name: string) => {
        checkDomainName(name);
        return name;
      },
    },
    { maxLength: 50, pattern: "^[-a-zA-Z0-9_]+$", title: "slug" },
  ),
  description: text({ nullable: true }),
  pulp_labels: labels,
  ...storeFields,
  redirect_to_object_storage: boolean({ default: true }),
  hide_guarded_distributions: boolean({ default: false }),
};

const NOT_YOURS = "Only administrators may name a folder; leave it empty for the server's own.";

/** The store that a body asks for, with every option. @throws `ValidationError` (400). */
function wantedStore({ ctx, caller }: Run, values: Values, row?: Row) {
  const storageClass = String(values.storage_class ?? row?.storage_class);
  const isSame = row !== undefined && row.storage_class === storageClass;
  const given = withoutHidden((values.storage_settings ?? {}) as JsonObject);
  const stored = isSame ? storedOptions(row, ctx) : {};
  const store = { storageClass, options: storeOptions(storageClass, given, stored) };
  requireBackend(ctx, store);
  const { location } = store.options;
  // Whoever may choose a folder may read and write all that the server may.
  if (location && location !== stored.location && !caller.user?.isSuperuser) {
    throw new ValidationError({ storage_settings: { location: [NOT_YOURS] } });
  }
  // Without an account of its own it acts as the server, which may read more than this bucket.
  if (storageClass === GCS && !store.options.credentials && !caller.user?.isSuperuser) {
    throw new ValidationError({ storage_settings: { credentials: ["This field is required."] } });
  }
  return store;
}

/** The store after a change, of which `changes` has what differs: class, every option, or both. */
const changedStore = ({ ctx }: Run, row: Row, changes: Values) => ({
  storageClass: String(changes.storage_class ?? row.storage_class),
  options: (changes.storage_settings ?? storedOptions(row, ctx)) as JsonObject,
});

/** Clients send back what they read. */
const withoutHidden = ({ hidden_fields: _, ...options }: JsonObject): JsonObject => options;

/** The values of the wire by their names in the core. */
const NAMES = {
  name: "name",
  description: "description",
  pulp_labels: "labels",
  redirect_to_object_storage: "redirectsToStore",
  hide_guarded_distributions: "hidesGuarded",
} as const;

const named = (values: Values) =>
  Object.fromEntries(
    Object.entries(NAMES).flatMap(([wire, name]) => (wire in values ? [[name, values[wire]]] : [])),
  );

const hasStore = (values: Values): boolean =>
  "storage_class" in values || "storage_settings" in values;

async function checkNameFree({ ctx }: Run, name: unknown, self?: string): Promise<void> {
  if (name === undefined) return;
  const { rows } = await sql`
    select from domain where name = ${name} and id is distinct from ${self ?? null}::uuid`.execute(
    ctx.db,
  );
  if (rows.length > 0) throw fieldError("name", "This field must be unique.");
}

const refuseDefault = (name: unknown, what: string): void => {
  if (name === DEFAULT_DOMAIN) throw isProtected(what);
};

const refOf = (row: Row): DomainRef => ({
  num: Number(row.$num),
  id: String(keyOf(row)),
  name: String(row.name),
});

/**
 * A domain that is deleted takes the history of its tasks along, so the task that deletes it belongs
 * to another one. It waits for a worker if there is much to remove.
 */
async function remove(call: Call, row: Row): Promise<Outcome> {
  const { ctx, caller, view } = call;
  const task = ctx.plugins.task(GENERAL_DELETE);
  if (!task) throw new Error("There is no task that deletes.");
  const id = String(keyOf(row));
  const domain = caller.domain.id === id ? await defaultDomain(ctx) : caller.domain;
  const dispatched = await dispatch(ctx, {
    task,
    input: { resource: "domains", key: id },
    caller: { ...caller, domain },
    exclusive: [prn("core.domain", id)],
    immediate: !(await isLarge(ctx, row)),
  });
  const path = `tasks/${dispatched.id}/`;
  return { kind: "json", status: 202, body: { task: href(view, path, domain.name) } };
}

/** Tasks whose history is removed within a request. */
const FEW_TASKS = 1000;

async function isLarge(ctx: Ctx, { $num: num }: Row): Promise<boolean> {
  const { rows } = await sql<{ large: boolean }>`
    select exists (select from artifact where domain = ${num})
      or exists (select from content where domain = ${num})
      or exists (select from task where domain = ${num} offset ${FEW_TASKS}) as large`.execute(
    ctx.db,
  );
  return rows[0]?.large === true;
}

const defaultDomain = (ctx: Ctx): Promise<DomainRef> =>
  ctx.db
    .selectFrom("domain")
    .select(["num", "id", "name"])
    .where("name", "=", DEFAULT_DOMAIN)
    .executeTakeFirstOrThrow();

/** Moves the domain of the request to another store (core-content §2.5). */
const migrate: Action = {
  name: "migrate",
  method: "POST",
  on: "collection",
  subject: ({ caller }) => ({ model: "core.domain", id: caller.domain.id, domain: 0 }),
  body: { schema: "DomainBackendMigrator", fields: storeFields },
  answers: { 202: "AsyncOperationResponse" },
  async run(call, values) {
    const { ctx, caller } = call;
    refuseDefault(caller.domain.name, "migrated");
    const { id } = await dispatch(ctx, {
      task: migrateBackend,
      input: wantedStore(call, values),
      caller,
      exclusive: [prn("core.domain", caller.domain.id)],
    });
    return { kind: "task", task: id };
  },
};

export const domain = defineResource({
  path: "domains",
  label: "core",
  model: "Domain",
  title: "domain",
  key: "uuid",
  source: { from: "domain e", domain: null },
  fields,
  addressColumns: { $num: "e.num" },
  filters: {
    ...textFilters("name", "e.name", NAME),
    pulp_label_select: labelSelect(),
  },
  orderings: {
    description: "e.description",
    hide_guarded_distributions: "e.hide_guarded_distributions",
    name: "e.name",
    pulp_created: "e.created",
    pulp_id: "e.id",
    pulp_labels: "e.labels",
    pulp_last_updated: "e.updated",
    redirect_to_object_storage: "e.redirect_to_object_storage",
    storage_class: "e.storage_class",
    // Published, but tokens have no order that means anything.
    storage_settings: "(e.storage_settings is null)",
  },
  operations: {
    list: true,
    read: true,
    create: {
      mode: "sync",
      check: async (run, values) => {
        await checkNameFree(run, values.name);
        wantedStore(run, values);
      },
      apply: (run, values, made) =>
        inTransaction(run.ctx, undefined, async (trx) => {
          const store = wantedStore(run, values);
          const input = { ...named(values), name: String(values.name), store };
          const id = await createDomain(run.ctx, input, trx);
          await made(trx, id);
          return id;
        }),
    },
    update: {
      mode: "task",
      check: async (run, values, row) => {
        refuseDefault(row.name, "updated");
        await checkNameFree(run, values.name, String(keyOf(row)));
      },
      complete: (run, values, row) =>
        hasStore(values)
          ? { ...values, storage_settings: wantedStore(run, values, row).options }
          : values,
      current: ({ ctx }, row) => ({ storage_settings: storedOptions(row, ctx) }),
      apply: (run, row, changes) =>
        updateDomain(run.ctx, refOf(row), {
          ...named(changes),
          ...(hasStore(changes) ? { store: changedStore(run, row, changes) } : {}),
        }),
    },
    delete: {
      mode: "task",
      check: (_run, row) => refuseDefault(row.name, "deleted"),
      run: remove,
      apply: ({ ctx, job }, row) =>
        deleteDomain({ ctx, signal: job?.signal ?? new AbortController().signal }, refOf(row)),
    },
  },
  actions: [migrate, ...labelActions("domain")],
});
