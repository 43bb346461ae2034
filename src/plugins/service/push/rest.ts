import { fieldError } from "#base/errors.ts";
import { uuid7 } from "#base/uuid7.ts";
import {
  boolean,
  choice,
  defineResource,
  type Executor,
  inTransaction,
  integer,
  labelActions,
  labelSelect,
  labels,
  NAME,
  relation,
  roleActions,
  sql,
  text,
  textFilters,
  type Values,
} from "#sdk";
import type { Run } from "../resource-types.ts";
import { allowedAccounts, setAccounts } from "./accounts.ts";
import { pushAction } from "./action.ts";
import { allowedGroups, setGroups } from "./groups.ts";

const TABLE = "service_push_repository";

/** Components whose repositories are pushed to (service §9.3). */
const PUSHED: ReadonlySet<string> = new Set([
  ...["python", "container", "rpm", "maven", "npm", "gem", "file", "hugging_face"],
]);

const SCANNING = ["inherit", "on", "off"] as const;

/** Which repositories are pushed to, by whom, and what (service §9.3). */
export const pushRepositories = defineResource({
  path: "push_repository",
  label: "service",
  model: "PushRepository",
  title: "push repository",
  key: "uuid",
  source: { from: `${TABLE} e` },
  fields: {
    name: text({ required: true }, { maxLength: 255 }),
    pulp_labels: labels,
    repository: relation("repository", { to: "repository" }, { required: true }),
    distribution: relation("distribution", { to: "distribution" }, { nullable: true }),
    enabled: boolean({ default: true }),
    allow_overwrite: boolean({ default: false }),
    publish_on_push: boolean({ default: true }),
    max_upload_size: integer({ nullable: true }, { minimum: 1 }),
    allowed_groups: allowedGroups,
    allowed_service_accounts: allowedAccounts,
    malware_scanning: choice(SCANNING, { default: "inherit" }),
    require_attestation: boolean({ default: false }),
    last_push: text({ readOnly: true, nullable: true }, { format: "date-time" }),
    push_count: integer({ readOnly: true }),
  },
  filters: { ...textFilters("name", "e.name", NAME), pulp_label_select: labelSelect() },
  orderings: { name: "e.name", last_push: "e.last_push", push_count: "e.push_count" },
  operations: {
    list: true,
    read: true,
    create: {
      mode: "sync",
      check: (run, values) => checkRecord(run, values),
      apply: (run, values, made) =>
        inTransaction(run.ctx, undefined, async (trx) => {
          const id = uuid7();
          const domain = run.caller.domain.num;
          await insertRecord(trx, { id, domain, values });
          await setAllowed(trx, { id, domain }, values);
          await made(trx, id);
          return id;
        }),
    },
    update: {
      mode: "sync",
      check: (run, values, row) => checkChange(run, values, row),
      current: (_run, row) => (isForNobody(row) ? { allowed_groups: NOBODY } : {}),
      apply: (run, row, changes) =>
        inTransaction(run.ctx, undefined, (trx) => changeRecord(trx, run, { row, changes })),
    },
    delete: {
      mode: "sync",
      async apply({ ctx, caller }, row) {
        await sql`delete from service_push_repository
          where domain = ${caller.domain.num} and id = ${row.$key}`.execute(ctx.db);
      },
    },
  },
  actions: [pushAction, ...labelActions(TABLE), ...roleActions("service.PushRepository")],
});

/** Stands for a list whose last group is gone; equal to nothing that a client can send. */
const NOBODY = Symbol("nobody");

/** Its lists are empty, and not those of everybody: whoever empties them says so. */
const isForNobody = (row: Values): boolean =>
  row.groups$isLimited === true &&
  [row.allowed_groups, row.allowed_service_accounts].every(
    (list) => (list as readonly unknown[]).length === 0,
  );

async function checkChange(run: Run, values: Values, row: Values): Promise<void> {
  const { repository = row.repository } = values;
  if (repository !== row.repository) {
    throw fieldError("repository", "This field cannot be changed.");
  }
  await checkRecord(run, { ...row, ...values });
}

/** @throws `ValidationError` for a repository or distribution that does not fit. */
async function checkRecord({ ctx, caller }: Run, values: Values): Promise<void> {
  const { rows } = await sql<{ type: string; isServed: boolean }>`
    select r.type, exists (select from distribution x where x.domain = r.domain
      and x.id = ${values.distribution ?? null} and x.repository = r.id) as "isServed"
    from repository r where r.domain = ${caller.domain.num} and r.id = ${values.repository}`.execute(
    ctx.db,
  );
  const [found] = rows;
  const [component = ""] = found?.type.split(".") ?? [];
  if (!found || !PUSHED.has(component)) {
    throw fieldError("repository", "Repositories of this type are not pushed to.");
  }
  if (values.distribution && !found.isServed) {
    throw fieldError("distribution", "The distribution does not serve the repository.");
  }
  if (values.require_attestation === true && component !== "python") {
    throw fieldError("require_attestation", "Only Python repositories take attestations.");
  }
}

interface New {
  readonly id: string;
  readonly domain: number;
  readonly values: Values;
}

/** By the constraints that say so. */
const TAKEN: Readonly<Record<string, string>> = {
  service_push_repository_name: "name",
  service_push_repository_one: "repository",
};

/** @throws `ValidationError` if the name or the repository has a record already. */
function tellTaken(error: unknown): never {
  const { constraint = "" } = error as { readonly constraint?: string };
  const field = TAKEN[constraint];
  throw field === undefined ? error : fieldError(field, "This field must be unique.");
}

async function insertRecord(db: Executor, { id, domain, values }: New): Promise<void> {
  await sql`
    insert into service_push_repository (id, domain, name, repository, distribution, enabled,
      allow_overwrite, publish_on_push, max_upload_size, malware_scanning, require_attestation, labels)
    values (${id}, ${domain}, ${values.name}, ${values.repository}, ${values.distribution ?? null},
      ${values.enabled}, ${values.allow_overwrite}, ${values.publish_on_push},
      ${values.max_upload_size ?? null}, ${values.malware_scanning}, ${values.require_attestation},
      ${JSON.stringify(values.pulp_labels ?? {})}::jsonb)`
    .execute(db)
    .catch(tellTaken);
}

interface Change {
  readonly row: Values;
  readonly changes: Values;
}

async function changeRecord(
  db: Executor,
  { caller }: Run,
  { row, changes }: Change,
): Promise<void> {
  const id = String(row.$key);
  const whole = { ...row, ...changes };
  await sql`
    update service_push_repository set name = ${whole.name},
      distribution = ${whole.distribution ?? null}, enabled = ${whole.enabled},
      allow_overwrite = ${whole.allow_overwrite}, publish_on_push = ${whole.publish_on_push},
      max_upload_size = ${whole.max_upload_size ?? null},
      malware_scanning = ${whole.malware_scanning}, require_attestation = ${whole.require_attestation},
      labels = ${JSON.stringify(whole.pulp_labels ?? {})}::jsonb, updated = clock_timestamp()
    where domain = ${caller.domain.num} and id = ${id}`
    .execute(db)
    .catch(tellTaken);
  await setAllowed(db, { id, domain: caller.domain.num }, changes);
}

/** Who may push, as far as the values say so. */
async function setAllowed(
  db: Executor,
  record: { readonly id: string; readonly domain: number },
  { allowed_groups: groups, allowed_service_accounts: accounts }: Values,
): Promise<void> {
  if (groups !== undefined) await setGroups(db, record.id, groups as readonly number[]);
  if (accounts !== undefined) await setAccounts(db, record, accounts as readonly string[]);
  if (groups === undefined && accounts === undefined) return;
  await sql`update service_push_repository p set is_limited =
      exists (select from service_push_group g where g.push_repository = p.id)
      or exists (select from service_push_account a where a.push_repository = p.id)
    where p.id = ${record.id}`.execute(db);
}
