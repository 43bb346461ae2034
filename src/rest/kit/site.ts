import { prn } from "#base/prn.ts";
import { permissionName } from "#core/access/permission-names.ts";
import type { RoleObject } from "#core/access/types.ts";
import { sendOutcome } from "./answer.ts";
import type { Call } from "./call.ts";
import type { Answer, Body, Outcome, Resource, Schemas, Values } from "./resource.ts";
import type { Route } from "./routes.ts";
import type { JsonSchema } from "./schema.ts";
import type { Target } from "./target.ts";

/** What a base path of a site leads to: a distribution. */
export interface SitePlace {
  readonly basePath: string;
  /** Of the distribution. */
  readonly object: RoleObject;
  /** Objects that it refers to, by key: `repository`. */
  readonly related: Readonly<Record<string, RoleObject>>;
  readonly guard: { readonly id: string; readonly type: string } | null;
  /** Places that it shows as its own; a reader sees those that he may read by themselves. */
  readonly parts?: readonly SitePlace[];
}

/** One request to a site: where it leads, and what else the path says. */
export interface SiteVisit<Place extends SitePlace = SitePlace> {
  readonly place: Place;
  /** Decoded segments by the names in the route; of several segments with slashes. */
  readonly parameters: Readonly<Record<string, string>>;
  /** What follows the base path, decoded and without slashes at its ends: `simple/attrs`. */
  readonly below: string;
  /** What the body brings, read when it is asked for. @throws `ValidationError`, as bodies do. */
  values(): Promise<Values>;
}

export interface SiteOperation<Place extends SitePlace> {
  readonly method: "GET" | "POST";
  /** End of the operation id, after the words of the prefix: `simple_read`. */
  readonly id: string;
  /** The id stands alone, whatever the prefix. */
  readonly isFixedId?: boolean;
  /** Of the description for clients, where only the tag tells operations apart. */
  readonly shortId: string;
  /** Action name that the permission question carries. */
  readonly permission: string;
  /** Permission that the scope of a token has to contain. */
  readonly scope: string;
  /** Or another one, which reaches nothing else. */
  readonly narrowScope?: string;
  readonly tag: string;
  readonly title: string;
  readonly query?: Readonly<Record<string, JsonSchema>>;
  readonly body?: Body;
  readonly answers: Readonly<Record<string, Answer>>;
  /** Media types of its refusals besides JSON. */
  readonly refusalTypes?: readonly string[];
  /** Undefined where it has written the answer itself. */
  run(call: Call, visit: SiteVisit<Place>): Promise<Outcome | undefined>;
}

export interface SiteRoute<Place extends SitePlace> {
  /**
   * Below the base path, with `:name` for a segment and `:name*` at the end for one to three of them:
   * `simple/:package/`. Answered with and without the slash at the end.
   */
  readonly path: string;
  /** Name of its policy: `pypi/simple`. */
  readonly policy: string;
  /** Left out of the description: no client of the baseline knows it. */
  readonly isUndescribed?: boolean;
  readonly operations: readonly SiteOperation<Place>[];
}

/** The addresses of an ecosystem's own protocol beside the REST API: `/pypi/<base path>/simple/`. */
export interface Site<Place extends SitePlace = SitePlace> {
  /** Component that provides it. */
  readonly label: string;
  /** Setting of the path that it lies below, with slashes at both ends, and its default. */
  readonly prefix: { readonly setting: string; readonly default: string };
  /** The place at the longest of these base paths in the domain of the request. */
  find(call: Call, basePaths: readonly string[]): Promise<Place | undefined>;
  /** Text of the 404 at a base path that leads nowhere. */
  missing(basePath: string): string;
  /** Distributions, for the explanation of permissions. */
  readonly resource: Resource;
  readonly routes: readonly SiteRoute<Place>[];
  /** Schemas that its answers name. */
  readonly schemas?: Schemas;
}

/** A site with the type of its places forgotten: its own `find` is the only one that makes them. */
// biome-ignore lint/suspicious/noExplicitAny: a list holds sites of different places.
export type AnySite = Site<any>;

export const defineSite = <Place extends SitePlace>(site: Site<Place>): Site<Place> => site;

/** Where a site lies in this process: `/pypi/`. */
export function sitePrefix({ prefix }: AnySite, settings: Readonly<Record<string, unknown>>) {
  const given = settings[prefix.setting] ?? prefix.default;
  const words = String(given).replace(/^\/+|\/+$/g, "");
  return words === "" ? "/" : `/${words}/`;
}

/** What a path below the prefix may mean; which of them is true is told by where places are. */
export interface SiteCandidate {
  readonly route: SiteRoute<SitePlace>;
  readonly basePath: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Most segments that `:name*` stands for. */
const MOST_REST = 3;

/** @param segments decoded, none of them empty. */
export function siteCandidates(site: AnySite, segments: readonly string[]): SiteCandidate[] {
  const candidates: SiteCandidate[] = [];
  for (const { route, words, isOpen } of patternsOf(site)) {
    const most = isOpen ? words.length + MOST_REST - 1 : words.length;
    for (let length = words.length; length <= most && length < segments.length; length += 1) {
      const at = segments.length - length;
      if (!words.every((word, index) => word.startsWith(":") || word === segments[at + index]))
        continue;
      const parameters = parametersOf(words, segments.slice(at));
      candidates.push({ route, basePath: segments.slice(0, at).join("/"), parameters });
    }
  }
  return candidates;
}

/** A route in the form in which every request is held against it. */
interface Pattern {
  readonly route: SiteRoute<SitePlace>;
  readonly words: readonly string[];
  /** The last word takes more than one segment. */
  readonly isOpen: boolean;
}

const patterns = new WeakMap<AnySite, readonly Pattern[]>();

function patternsOf(site: AnySite): readonly Pattern[] {
  const known = patterns.get(site);
  if (known) return known;
  const made = site.routes.map(
    (route): Pattern => ({
      route,
      words: wordsOf(route.path),
      isOpen: route.path.includes("*"),
    }),
  );
  patterns.set(site, made);
  return made;
}

const wordsOf = (path: string): readonly string[] => path.split("/").filter((word) => word !== "");

function parametersOf(words: readonly string[], tail: readonly string[]) {
  const parameters: Record<string, string> = {};
  for (const [index, word] of words.entries()) {
    if (word.endsWith("*")) parameters[word.slice(1, -1)] = tail.slice(index).join("/");
    else if (word.startsWith(":")) parameters[word.slice(1)] = tail[index] ?? "";
  }
  return parameters;
}

/** The base path that a path seems to mean where no candidate leads anywhere. */
export const likelyBasePath = (candidates: readonly SiteCandidate[]): string =>
  candidates.map(({ basePath }) => basePath).reduce((a, b) => (a.length <= b.length ? a : b));

/** Addresses of a site as routes, for policies, permission and audit. */
export const siteRoutes = (site: AnySite): Route[] =>
  site.routes.map((route) => siteRoute(site, route));

function siteRoute(site: AnySite, { path, policy, operations }: SiteRoute<SitePlace>): Route {
  return {
    path,
    scope: "site",
    name: policy,
    operations: operations.map((operation) => ({
      method: operation.method,
      id: siteOperationId(operation, site.prefix.default),
      permission: operation.permission,
      scope: operation.scope,
      ...(operation.narrowScope ? { narrowScope: operation.narrowScope } : {}),
      resource: site.resource,
      ...(operation.body ? { body: operation.body } : {}),
      async run(call, target) {
        const outcome = await operation.run(call, visitOf(target));
        return outcome ? sendOutcome(call, outcome) : call.reply;
      },
    })),
  };
}

const visitOf = (target: Target): SiteVisit => {
  const { place, parameters, below } = target.visit;
  return { place, parameters, below, values: () => target.values() };
};

/** The words of the prefix begin the id: `/api/pypi/` makes `api_pypi_simple_read`. */
export const siteOperationId = (
  { id, isFixedId }: Pick<SiteOperation<SitePlace>, "id" | "isFixedId">,
  prefix: string,
): string =>
  isFixedId ? id : [...wordsOf(prefix), id].join("_").replaceAll(/[-.]/g, "_").toLowerCase();

/** PRNs of the objects that a place is about, for the scopes of tokens. */
export const placePrns = ({ object, related }: SitePlace): readonly string[] =>
  [object, ...Object.values(related)].map(({ model, id }) => prn(model, id));

/** Whoever may see the distribution is no stranger, whom its guard is for (plugin-python §6.10). */
export async function mayView({ caller, rights }: Call, { object }: SitePlace): Promise<boolean> {
  if (caller.user === null) return false;
  const permission = permissionName(object.model, "retrieve");
  return (
    rights.onModel(permission) ||
    rights.onDomain(permission) ||
    (await rights.onObject([permission], object))
  );
}
