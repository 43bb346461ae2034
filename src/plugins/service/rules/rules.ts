import { objectError } from "#base/errors.ts";
import {
  boolean,
  booleanFilter,
  choice,
  defineResource,
  FieldProblem,
  labelActions,
  labelSelect,
  labels,
  list,
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
import { canonicalDn } from "../identity/subject-dn.ts";
import type { Filter, Made, Run } from "../resource-types.ts";
import { serviceSettingsOf } from "../settings.ts";
import { accountField } from "./account-field.ts";
import { checkRule } from "./check-action.ts";
import { ruleCache } from "./rule-cache.ts";
import { addRule, changeRule, type RuleValues, removeRule } from "./rules-table.ts";

const TABLE = "service_guard_rule";
const MOST_PREFIXES = 100;

const ONE = "Exactly one of 'subject_dn', 'org_id' or 'service_account' must be specified.";
const BACKWARDS = "'valid_until' must be later than 'valid_from'.";

function checkSubject(pattern: string): string {
  if (canonicalDn(pattern) === undefined) throw new FieldProblem("Enter a distinguished name.");
  return pattern;
}

function checkActions(actions: readonly string[]): readonly string[] {
  if (actions.length === 0) throw new FieldProblem("This list may not be empty.");
  return [...new Set(actions)];
}

/** Paths as the content app reads them, so that none is a prefix of nothing. */
function checkPrefixes(prefixes: readonly string[]): readonly string[] {
  if (prefixes.length > MOST_PREFIXES)
    throw new FieldProblem(`Ensure this field has no more than ${MOST_PREFIXES} elements.`);
  return prefixes.map((prefix) => {
    const path = prefix.replace(/^\/+|\/+$/g, "");
    const isPath = path.split("/").every((word) => !["", ".", ".."].includes(word));
    if (!isPath || path.length > 1024) throw new FieldProblem(`'${prefix}' is no path.`);
    return path;
  });
}

/** The pattern of a rule, however it is written. */
const subjectFilter: Filter = {
  schema: { type: "string" },
  condition: (value) => sql`e.canonical_subject = ${canonicalDn(value) ?? null}`,
};

/** Rules about certificates and organisations in front of content guards (service §9.2). */
export const guardRuleResource = defineResource({
  path: "rh_cert_guard_permission",
  label: "service",
  model: "RHCertGuardPermission",
  title: "certificate guard permission",
  key: "uuid",
  source: { from: `${TABLE} e` },
  fields: {
    pulp_labels: labels,
    name: text({ required: true }, { maxLength: 255 }),
    content_guard: relation("content_guard", { to: "content_guard" }, { required: true }),
    subject_dn: text({ nullable: true, check: checkSubject }, { maxLength: 512 }),
    org_id: text({ nullable: true }, { maxLength: 150 }),
    service_account: accountField,
    effect: choice(["allow", "deny"], { default: "allow" }),
    actions: list(
      { type: "string", enum: ["pull", "push"] },
      { default: ["pull"], check: checkActions },
    ),
    path_prefixes: list({ type: "string" }, { default: [], check: checkPrefixes }),
    valid_from: text({ nullable: true }, { format: "date-time" }),
    valid_until: text({ nullable: true }, { format: "date-time" }),
    enabled: boolean({ default: true }),
  },
  filters: {
    ...textFilters("name", "e.name", NAME),
    content_guard: relationFilter("content_guard", "e.content_guard", "content_guard"),
    ...textFilters("org_id", "e.org_id", ["exact", "in"]),
    subject_dn: subjectFilter,
    ...textFilters("effect", "e.effect", ["exact"]),
    ...booleanFilter("enabled", "e.enabled"),
    pulp_label_select: labelSelect("e.labels"),
  },
  orderings: { name: "e.name", pulp_created: "e.created" },
  operations: {
    list: true,
    read: true,
    create: { mode: "sync", check: (_run, values) => checkWhole(values), apply: create },
    update: {
      mode: "sync",
      check: (_run, values, row) => checkWhole({ ...row, ...values }),
      async apply({ ctx, caller }, row, changes) {
        const values = valuesOf({ ...row, ...changes });
        const most = serviceSettingsOf(ctx).CERT_GUARD_MAX_RULES;
        const change = { values, domain: caller.domain.num, most };
        await tenancy.inTransaction(ctx, undefined, (trx) =>
          changeRule(trx, String(row.$key), change),
        );
        ruleCache(ctx).forget();
      },
    },
    delete: {
      mode: "sync",
      async apply({ ctx }, row) {
        await removeRule(ctx.db, String(row.$key));
        ruleCache(ctx).forget();
      },
    },
  },
  actions: [checkRule, ...labelActions(TABLE), ...roleActions("service.rhcertguardpermission")],
});

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

/** @throws `ValidationError` where it is not about one kind of people, or ends before it begins. */
function checkWhole(values: Values): void {
  const who = [values.subject_dn, values.org_id, values.service_account];
  if (who.filter(isGiven).length !== 1) throw objectError(ONE);
  const { valid_from: from, valid_until: until } = values;
  const isBackwards =
    isGiven(from) && isGiven(until) && Date.parse(String(until)) <= Date.parse(String(from));
  if (isBackwards) throw objectError(BACKWARDS);
}

async function create({ ctx, caller }: Run, given: Values, made: Made): Promise<string> {
  const most = serviceSettingsOf(ctx).CERT_GUARD_MAX_RULES;
  const id = await tenancy.inTransaction(ctx, undefined, async (trx) => {
    const rule = await addRule(trx, valuesOf(given), { domain: caller.domain.num, most });
    await made(trx, rule);
    return rule;
  });
  ruleCache(ctx).forget();
  return id;
}

const textOrNull = (value: unknown): string | null => (typeof value === "string" ? value : null);

const valuesOf = (values: Values): RuleValues => ({
  name: String(values.name),
  labels: values.pulp_labels ?? {},
  guard: String(values.content_guard),
  subjectDn: textOrNull(values.subject_dn),
  organisation: textOrNull(values.org_id),
  account: textOrNull(values.service_account),
  effect: String(values.effect),
  actions: values.actions,
  prefixes: values.path_prefixes,
  validFrom: textOrNull(values.valid_from),
  validUntil: textOrNull(values.valid_until),
  isEnabled: values.enabled === true,
});
