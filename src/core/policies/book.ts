import { onUserChange } from "../access/commands.ts";
import type { Ctx } from "../ctx.ts";
import type { PluginRegistry } from "../plugin-contract.ts";
import type { Decider, PermissionClass } from "./decider.ts";
import { policyErrors } from "./errors.ts";
import { parseCondition } from "./rules.ts";
import type { NamedCondition, Policy, PolicyCheck, PolicyDocument } from "./types.ts";

/** Changes in other processes count after this time at the latest. */
const BELIEVED_MS = 3000;

const customized = {
  name: "customized policies",
  text: `select viewset_name, statements, creation_hooks, queryset_scoping from access_policy where customized`,
};

interface PolicyRow extends PolicyDocument {
  readonly viewset_name: string;
}

type Changed = ReadonlyMap<string, PolicyDocument>;

interface Loaded {
  readonly changed: Promise<Changed>;
  readonly until: number;
}

/** One document for every address, whatever ships. */
const forAll = (...principal: readonly string[]): PolicyDocument => ({
  statements: [{ action: "*", principal, effect: "allow" }],
  creation_hooks: [],
  queryset_scoping: null,
});

/** Where policies come from, by `DEFAULT_PERMISSION_CLASSES` (core-rest §7.2, core-tasks-ops §16). */
const SOURCES: Readonly<Record<string, Source>> = {
  "pulpcore.app.access_policy.AccessPolicyFromDB": "database",
  "pulpcore.plugin.access_policy.AccessPolicyFromDB": "database",
  "pulpcore.app.access_policy.AccessPolicyFromSettings": "settings",
  "pulpcore.plugin.access_policy.AccessPolicyFromSettings": "settings",
  "pulpcore.app.access_policy.DefaultAccessPolicy": "shipped",
  "rest_framework.permissions.IsAuthenticated": forAll("authenticated"),
  "rest_framework.permissions.IsAdminUser": forAll("staff", "admin"),
  "rest_framework.permissions.AllowAny": forAll("*"),
};

type Source = "database" | "settings" | "shipped" | PolicyDocument;

/** The policies of every address, mostly without a statement; one book per process. */
export class PolicyBook {
  readonly #ctx: Pick<Ctx, "hot" | "clock" | "settings">;
  readonly #source: Source;
  readonly #shipped: ReadonlyMap<string, Policy>;
  readonly #named: ReadonlyMap<string, NamedCondition>;
  /** What decides before the policies, or instead of them. */
  readonly decider: Decider | undefined;
  /** Its name in the setting. */
  readonly decidedBy: string | undefined;
  readonly #checks: ReadonlyMap<string, PolicyCheck>;
  #loaded: Loaded | undefined;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    const { source, permissionClass } = chosenSource(ctx);
    this.#source = source;
    this.decider = permissionClass?.open(ctx);
    this.decidedBy = permissionClass?.identifiers[0];
    onUserChange(ctx, () => this.forget());
    this.#shipped = new Map(shippedPolicies(ctx.plugins).map((policy) => [policy.viewset, policy]));
    const { all } = ctx.plugins;
    this.#named = new Map(all.flatMap(({ access }) => Object.entries(access.conditions ?? {})));
    this.#checks = new Map(all.flatMap(({ access }) => Object.entries(access.checks ?? {})));
  }

  /** Undefined where administrators only may come. */
  async policyOf(viewset: string): Promise<PolicyDocument | undefined> {
    if (typeof this.#source === "object") return this.#source;
    const shipped = this.#shipped.get(viewset);
    if (!shipped || this.#source === "shipped") return shipped;
    if (this.#source === "settings") return this.#fromSettings(shipped);
    return (await this.#changed()).get(viewset) ?? shipped;
  }

  /** Whether others than administrators may come there at all. */
  hasPolicy(viewset: string): boolean {
    return typeof this.#source === "object" || this.#shipped.has(viewset);
  }

  /** A condition in the words of the core, where a component has a name of its own for it. */
  meaningOf(condition: string): string {
    const { name, argument } = parseCondition(condition);
    const named = this.#named.get(name);
    return named ? `${named.means}:${argument || named.permission}` : condition;
  }

  /** A condition that a component decides; undefined if it is none. */
  checkOf(name: string): PolicyCheck | undefined {
    return this.#checks.get(name);
  }

  /** A policy has changed in this process. */
  forget(): void {
    this.#loaded = undefined;
  }

  #fromSettings(shipped: Policy): PolicyDocument {
    const given = this.#ctx.settings.ACCESS_POLICIES[shipped.viewset];
    return given === undefined ? shipped : { ...shipped, ...(given as Partial<PolicyDocument>) };
  }

  #changed(): Promise<Changed> {
    const now = this.#ctx.clock.now();
    if (this.#loaded && this.#loaded.until > now) return this.#loaded.changed;
    const loaded = { changed: this.#load(), until: now + BELIEVED_MS };
    this.#loaded = loaded;
    loaded.changed.catch(() => {
      if (this.#loaded === loaded) this.#loaded = undefined;
    });
    return loaded.changed;
  }

  async #load(): Promise<Changed> {
    const rows = await this.#ctx.hot.query<PolicyRow>(customized, []);
    return new Map(rows.map(({ viewset_name, ...policy }) => [viewset_name, policy]));
  }
}

/** @throws `policyErrors.setting` with a sentence that names the known ones. */
function chosenSource({ settings, plugins }: Ctx): {
  readonly source: Source;
  readonly permissionClass?: PermissionClass;
} {
  const { DEFAULT_PERMISSION_CLASSES: names } = settings.REST_FRAMEWORK;
  if (names === undefined) return { source: "database" };
  const [name, ...more] = Array.isArray(names) ? names.map(String) : [String(names)];
  const source = name !== undefined && Object.hasOwn(SOURCES, name) ? SOURCES[name] : undefined;
  const brought = plugins.all.flatMap(({ permissionClasses = [] }) => permissionClasses);
  const permissionClass = brought.find(({ identifiers }) => identifiers.includes(name ?? ""));
  if (more.length === 0 && source !== undefined) return { source };
  if (more.length === 0 && permissionClass) {
    return { source: permissionClass.hasPolicies ? "database" : forAll("*"), permissionClass };
  }
  const known = [...Object.keys(SOURCES), ...brought.flatMap(({ identifiers }) => identifiers)];
  throw policyErrors.setting(String(names), known.join(", "));
}

/** As they ship with every component. */
export const shippedPolicies = ({ all }: PluginRegistry): readonly Policy[] =>
  all.flatMap(({ access }) => access.policies);

const books = new WeakMap<Ctx["hot"], PolicyBook>();

/** The book of the process: all its contexts share it. */
export function policyBook(ctx: Ctx): PolicyBook {
  const known = books.get(ctx.hot);
  if (known) return known;
  const book = new PolicyBook(ctx);
  books.set(ctx.hot, book);
  return book;
}
