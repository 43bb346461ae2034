import { fieldError } from "#base/errors.ts";
import {
  type Action,
  boolean,
  booleanFilter,
  type Call,
  type Caller,
  type Ctx,
  datetimeFilters,
  defineResource,
  FieldProblem,
  labelActions,
  labelSelect,
  labels,
  NAME,
  roleActions,
  sql,
  tenancy,
  text,
  textFilters,
  type Values,
} from "#sdk";
import { domainHref } from "../domain-href.ts";
import { callerOrganisation } from "../identity/claims.ts";
import { canonicalDn } from "../identity/subject-dn.ts";
import type { Filter, Made, Run } from "../resource-types.ts";
import { ruleCache } from "../rules/rule-cache.ts";
import {
  type AccountValues,
  type Author,
  addAccount,
  changeAccount,
  enableAccount,
  removeAccount,
} from "./accounts-table.ts";
import { dnDigest } from "./dn-digest.ts";

const TABLE = "service_account";

function checkSubject(subject: string): string {
  if (canonicalDn(subject) === undefined || subject.includes("*"))
    throw new FieldProblem("Enter a distinguished name.");
  return subject;
}

/** Whichever way the name is written. */
const subjectFilter: Filter = {
  schema: { type: "string" },
  condition: (value) => {
    const canonical = canonicalDn(value);
    return canonical === undefined ? sql`false` : sql`e.dn_digest = ${dnDigest(canonical)}`;
  },
};

const enabling = (name: "enable" | "disable"): Action => ({
  name,
  method: "POST",
  on: "object",
  answers: { 200: "service.RHServiceAccountResponse" },
  async run({ ctx }, _values, row) {
    const id = String(row.$key);
    await enableAccount(ctx.db, id, name === "enable");
    announce(ctx);
    return { kind: "object", id, status: 200 };
  },
});

/** Accounts of programs that come with certificates (service §9.1). */
export const serviceAccounts = defineResource({
  path: "rh_service_account",
  label: "service",
  model: "RHServiceAccount",
  title: "service account",
  key: "uuid",
  source: { from: `${TABLE} e` },
  fields: {
    pulp_labels: labels,
    name: text({ required: true }, { maxLength: 255 }),
    description: text({ nullable: true, blank: true }, { maxLength: 10_000 }),
    subject_dn: text({ required: true, check: checkSubject }, { maxLength: 512 }),
    org_id: text({ nullable: true }, { maxLength: 150 }),
    enabled: boolean({ default: true }),
    expires_at: text({ nullable: true }, { format: "date-time" }),
    domain_access: boolean({ default: true }),
    username: text({ readOnly: true, sql: "e.subject_dn" }),
    user: text(
      {
        readOnly: true,
        mayBeNull: true,
        sql: "e.app_user",
        read: ({ user }, view) =>
          user === null ? null : domainHref(view, "default", `users/${user}/`),
      },
      { format: "uri" },
    ),
    last_seen: text({ readOnly: true, mayBeNull: true }, { format: "date-time" }),
  },
  filters: {
    ...textFilters("name", "e.name", NAME),
    ...textFilters("org_id", "e.org_id", ["exact", "in"]),
    ...booleanFilter("enabled", "e.enabled"),
    ...datetimeFilters("last_seen", "e.last_seen", ["lt", "gt"]),
    subject_dn: subjectFilter,
    pulp_label_select: labelSelect("e.labels"),
  },
  orderings: { name: "e.name", last_seen: "e.last_seen", pulp_created: "e.created" },
  operations: {
    list: true,
    read: true,
    create: { mode: "sync", check: checkOrganisation, apply: create },
    update: {
      mode: "sync",
      check: checkOrganisation,
      async apply(run, row, changes) {
        const values = valuesOf({ ...row, ...changes });
        await tenancy.inTransaction(run.ctx, undefined, (trx) =>
          changeAccount(trx, String(row.$key), { values, author: authorOf(run.caller) }),
        );
        announce(run.ctx);
      },
    },
    delete: {
      mode: "sync",
      async apply({ ctx, caller }, row) {
        await removeAccount(ctx, String(row.$key), authorOf(caller));
        announce(ctx);
      },
    },
  },
  actions: [
    enabling("enable"),
    enabling("disable"),
    ...labelActions(TABLE),
    ...roleActions("service.rhserviceaccount"),
  ],
});

/** Users are let in or refused by accounts, and rules before guards are about some of them. */
function announce(ctx: Ctx): void {
  tenancy.announceUserChange(ctx);
  ruleCache(ctx).forget();
}

/** @throws `ValidationError` where somebody speaks for an organisation that is not his. */
function checkOrganisation({ caller }: Run, { org_id: given }: Values, row?: Values): void {
  if (given === undefined || caller.user?.isSuperuser) return;
  const isAllowed = given === (row ? row.org_id : null) || given === callerOrganisation(caller);
  if (!isAllowed)
    throw fieldError("org_id", "Only administrators set the organisation of somebody else.");
}

async function create(run: Run, given: Values, made: Made): Promise<string> {
  const { ctx, caller } = run;
  const org_id = given.org_id ?? callerOrganisation(caller) ?? null;
  const values = valuesOf({ ...given, org_id });
  const { id, isNewUser } = await tenancy.inTransaction(ctx, undefined, async (trx) => {
    const account = await addAccount(trx, values, authorOf(caller));
    await made(trx, account.id);
    return account;
  });
  // Dashboards read this line (service §4).
  const route = "request" in run ? (run as Call).request.url : "unknown";
  if (isNewUser) ctx.log.info(`New user created: username=${values.subjectDn}, route=${route}`);
  announce(ctx);
  return id;
}

const authorOf = (caller: Caller): Author => {
  const organisation = callerOrganisation(caller);
  return {
    domain: caller.domain.num,
    organisations: organisation === undefined ? [] : [organisation],
    isSuperuser: caller.user?.isSuperuser === true,
  };
};

const textOrNull = (value: unknown): string | null => (typeof value === "string" ? value : null);

const valuesOf = (values: Values): AccountValues => ({
  name: String(values.name),
  description: textOrNull(values.description),
  labels: values.pulp_labels ?? {},
  subjectDn: String(values.subject_dn),
  organisation: textOrNull(values.org_id),
  isEnabled: values.enabled === true,
  expiresAt: textOrNull(values.expires_at),
  hasDomain: values.domain_access === true,
});
