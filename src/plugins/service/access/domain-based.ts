import { type Caller, type Ctx, sql } from "#sdk";
import { refuseReserved } from "../domains/reserved-names.ts";
import { type Features, featureQuestion, featuresOf } from "../features/check.ts";
import { callerOrganisation } from "../identity/claims.ts";
import { serviceSettingsOf } from "../settings.ts";
import { monitorDomain } from "../yanks/monitors-table.ts";
import { isReader } from "./audiences.ts";
import { domainName, keepNames } from "./domain-names.ts";
import { indexDecider } from "./index-reads.ts";
import type { Decider, PermissionClass, Question } from "./permission.ts";
import { isIndex, isOpenInPublic, isPublicName, isSafe, isSubscribed, reachOf } from "./rules.ts";
import { hasDomain, linkDomain, ownGroup, seenDomains, type Tenant, tenantOf } from "./tenants.ts";

type Scoped = Parameters<NonNullable<Decider["scope"]>>[0];
type RowRule = NonNullable<ReturnType<NonNullable<Decider["scope"]>>>;

/** Whoever has a domain may do everything in it, and nothing elsewhere (service §5.2). */
export const domainBasedPermission: PermissionClass = {
  identifiers: ["pulp_service.app.authorization.DomainBasedPermission"],
  hasPolicies: false,
  open: (ctx) => new DomainBased(ctx),
};

const only = (rows: RowRule["rows"]): RowRule => ({ kind: "only", rows });

const YANK_MONITORS = "pypi_yank_monitor";
/** Who may see what is counted in all domains may see it in one (service §5.5, §9.5). */
const METRICS = "business_metrics";
const NAMED_DOMAIN: ReadonlySet<string> = new Set(["domains/create", "domains/migrate"]);

/** Of tenants only: readers of a domain by its policy have nothing that lies beside it. */
const seenMonitors = (caller: Caller, subjects: readonly number[]) =>
  caller.user === null
    ? sql<unknown>`false`
    : sql<unknown>`e.domain = any(array(
        select e.num from domain e where ${seenDomains(tenantOf(caller, { subjects }), [])}))`;

class DomainBased implements Decider {
  readonly #ctx: Ctx;
  readonly #settings: ReturnType<typeof serviceSettingsOf>;
  readonly #features: Features;
  readonly #indexReads: ReturnType<typeof indexDecider>;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    this.#settings = serviceSettingsOf(ctx);
    this.#features = featuresOf(ctx);
    this.#indexReads = indexDecider(ctx);
  }

  /** Row by row of service §5.2; what no row allows is denied. */
  async isPermitted(question: Question): Promise<boolean> {
    if (question.rights.isSuperuser) return true;
    if (isSafe(question.method)) {
      if (this.#isPublic(question)) return true;
      if (isIndex(question.viewset)) return this.#indexReads(question);
      if (await this.#isOpenByPolicy(question)) return true;
      if (question.viewset === METRICS && isReader(this.#ctx, question)) return true;
    }
    return question.caller.user !== null && (await this.#isTenant(question));
  }

  /** Row 2. */
  #isPublic({ caller, viewset, action, visit }: Question): boolean {
    if (!isPublicName(caller.domain.name)) return false;
    const { PUBLIC_DOMAIN_FULL_READ } = this.#settings;
    return PUBLIC_DOMAIN_FULL_READ || visit !== undefined || isOpenInPublic(viewset, action);
  }

  /** Row 4. */
  async #isOpenByPolicy(question: Question): Promise<boolean> {
    const { caller, rights, viewset } = question;
    const policy = this.#policyOf(caller.domain.name);
    // Nothing of these policies reaches beyond the domain, nor shows who is there.
    if (!policy || reachIn(question) !== "domain") return false;
    const { readonly_group: group, subscription_feature: feature } = policy;
    const organisation = callerOrganisation(caller);
    if (
      feature !== undefined &&
      organisation !== undefined &&
      isSubscribed(viewset, policy.subscription_endpoints ?? []) &&
      (await this.#features.check(featureQuestion(organisation, [feature])))
    ) {
      return true;
    }
    return caller.user !== null && group !== undefined && rights.groups.includes(group);
  }

  /** Rows 6 to 9. */
  async #isTenant(question: Question): Promise<boolean> {
    const { caller, rights, viewset, action, key } = question;
    const tenant = tenantOf(caller, rights);
    if (NAMED_DOMAIN.has(viewset)) return true;
    if (viewset === "domains") {
      if (action === "create" || action === "list") return true;
      const has = await hasDomain(this.#ctx, key ?? caller.domain.num, tenant);
      if (has) await keepNames(this.#ctx, question);
      return has;
    }
    if (viewset === YANK_MONITORS) return this.#hasMonitor(question, tenant);
    switch (reachIn(question)) {
      case "own":
        return true;
      case "domain":
        return hasDomain(this.#ctx, caller.domain.num, tenant);
      case "shared":
        return isSafe(question.method) && hasDomain(this.#ctx, caller.domain.num, tenant);
      default:
        return false;
    }
  }

  /** Monitors have addresses in every domain: what they watch says whose they are. */
  async #hasMonitor({ caller, action, key }: Question, tenant: Tenant): Promise<boolean> {
    if (action === "list") return true;
    const domain = key === undefined ? caller.domain.num : await monitorDomain(this.#ctx, key);
    return domain !== undefined && hasDomain(this.#ctx, domain, tenant);
  }

  /** §5.3: the domain is the boundary, so only lists of domains are narrowed. */
  scope({ caller, subjects, groups, viewset }: Scoped): RowRule | undefined {
    const { user } = caller;
    if (viewset === "tokens") return only(sql`e.owner = ${user?.id ?? null}`);
    if (viewset === YANK_MONITORS) return only(seenMonitors(caller, subjects));
    if (viewset !== "domains") return undefined;
    if (user === null) return only(sql`false`);
    const policies = Object.entries(this.#settings.DOMAIN_ACCESS_POLICIES);
    const readable = policies.flatMap(([name, { readonly_group: group }]) =>
      group !== undefined && groups.includes(group) ? [name] : [],
    );
    return only(seenDomains(tenantOf(caller, { subjects }), readable));
  }

  /** A domain belongs to who made it; those that administrators make are given by them. */
  async made(...[db, { caller, viewset, object }]: Parameters<NonNullable<Decider["made"]>>) {
    const { user } = caller;
    if (viewset !== "domains" || user === null || user.isSuperuser) return;
    refuseReserved(await domainName(db, object.id));
    const group = await ownGroup(db, user.id);
    const holder = group === undefined ? { user: user.id } : { group };
    await linkDomain(db, {
      domain: object.id,
      organisation: callerOrganisation(caller),
      ...holder,
    });
  }

  #policyOf(domain: string) {
    const { DOMAIN_ACCESS_POLICIES: policies } = this.#settings;
    return Object.hasOwn(policies, domain) ? policies[domain] : undefined;
  }
}

const reachIn = ({ viewset, isGlobal, visit }: Question) =>
  reachOf(viewset, {
    isGlobal: isGlobal === true,
    isObject: isGlobal !== undefined || visit !== undefined,
  });
