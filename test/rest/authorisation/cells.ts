import { uuid7 } from "#base/uuid7.ts";
import { formOf, type RequestOptions, type TestAnswer } from "../../support/rest-api.ts";
import { inDomain } from "../../support/tenants.ts";
import { credentials, FOREIGN, IDENTITIES, type Identity, OWN } from "./identities.ts";
import { type Operation, operations } from "./operations.ts";
import { expectedOutcome, isSeen, type Outcome, type Place } from "./oracle.ts";
import type { Objects, World } from "./world.ts";

/** One request of the matrix. */
export interface Cell {
  readonly identity: Identity;
  readonly operation: Operation;
  readonly place: Place;
  readonly url: string;
  readonly expected: Outcome;
}

interface Addressed extends Place {
  /** Of the object; of an operation on none, nothing. */
  readonly href: string;
}

/** Every operation, for everybody, at each place where its object can be or not be. */
export function cellsOf(world: World): readonly Cell[] {
  return operations().flatMap((operation) =>
    IDENTITIES.flatMap((identity) =>
      placesOf(world, operation, identity).map(({ href, ...place }): Cell => {
        const url = operation.object ? `${href}${operation.path}` : urlOf(operation, place);
        const expected = expectedOutcome({ identity, operation, place });
        return { identity, operation, place, url, expected };
      }),
    ),
  );
}

/** Paths of public operations are beside the domains in the description, and below them too. */
const urlOf = ({ path }: Operation, { domain }: Place): string =>
  path
    .replace("{pulp_domain}", domain)
    .replace(/^\/pulp\/api\/v3\//, domain === OWN ? "$&" : inDomain(domain));

function placesOf(world: World, operation: Operation, identity: Identity): readonly Addressed[] {
  const { object } = operation;
  if (object === undefined) {
    const none = { href: "", isThere: true, hasParent: true, isOwn: false };
    return [
      { ...none, name: "own domain", domain: OWN, isMarked: true },
      { ...none, name: "foreign domain", domain: FOREIGN, isMarked: false },
    ];
  }
  const objects = object === "tokens" ? tokensOf(world, identity) : world.objects.get(object);
  if (!objects) throw new Error(`the world has no ${object}`);
  return objects.foreign === undefined
    ? [...globalPlaces(objects, OWN), ...globalPlaces(objects, FOREIGN)]
    : scopedPlaces({ ...objects, foreign: objects.foreign });
}

const tokensOf = ({ tokens }: World, identity: Identity): Objects => {
  const stranger = tokens.get("stranger") ?? "";
  return { marked: tokens.get(identity) ?? stranger, stranger };
};

const THERE = { isThere: true, hasParent: true, isOwn: false };
const MISSING = { isThere: false, hasParent: true, isOwn: false };
const CROSSED = { isThere: false, hasParent: false, isOwn: false };

/** Whatever the domain in the URL, there is one of each. */
const globalPlaces = ({ marked, stranger }: Objects, domain: string): readonly Addressed[] =>
  [
    { ...THERE, name: "marked", isMarked: true, isOwn: true, href: marked },
    { ...THERE, name: "stranger", isMarked: false, href: stranger },
    { ...MISSING, name: "missing", isMarked: true, href: missing(marked) },
  ].map((place) => ({
    ...place,
    domain,
    name: `${place.name} by domain ${domain}`,
    href: below(domain, place.href),
  }));

function scopedPlaces({ marked, stranger, foreign }: Required<Objects>): readonly Addressed[] {
  const own = { domain: OWN, isMarked: true };
  const other = { domain: FOREIGN, isMarked: false };
  return [
    { ...THERE, ...own, name: "marked", isOwn: true, href: marked },
    { ...THERE, ...own, name: "stranger", isMarked: false, href: stranger },
    { ...MISSING, ...own, name: "missing", href: missing(marked) },
    { ...CROSSED, ...own, name: "foreign by own domain", href: below(OWN, foreign) },
    { ...THERE, ...other, name: "foreign", href: foreign },
    { ...MISSING, ...other, name: "missing in foreign", href: missing(foreign) },
    { ...CROSSED, ...other, name: "marked by foreign domain", href: below(FOREIGN, marked) },
  ];
}

const below = (domain: string, href: string): string =>
  href.replace(/^\/pulp\/[^/]+\//, `/pulp/${domain}/`);

const missing = (href: string): string =>
  href.replace(/[^/]+\/$/, (last) => (/^\d+\/$/.test(last) ? "99999/" : `${uuid7()}/`));

const BODIES: Readonly<Record<string, object>> = {
  set_label: { key: "k", value: "v" },
  unset_label: { key: "k" },
  task_groups_cancel: { state: "canceled" },
};

type Of = (viewset: string) => string;

/** Forms of new content: that of somebody who may add it to the repository has to be right. */
const FORMS: Readonly<Record<string, (of: Of) => Readonly<Record<string, string>>>> = {
  content_file_files_create: (of) => ({
    relative_path: "new",
    artifact: of("artifacts"),
    repository: of("repositories/file/file"),
  }),
  content_python_packages_create: (of) => ({
    relative_path: "new-1.tar.gz",
    artifact: of("artifacts"),
    repository: of("repositories/python/python"),
  }),
  content_python_provenance_create: (of) => ({
    package: of("content/python/packages"),
    file_url: "http://none.invalid/",
    repository: of("repositories/python/python"),
  }),
};

/** What stands for a body: mostly nothing, which is let through to be refused or changes nothing. */
export function requestOf(world: World, { operation, identity, place }: Cell): RequestOptions {
  const user = credentials(identity);
  if (["GET", "DELETE"].includes(operation.method)) return { user };
  const kind = place.domain === OWN ? "marked" : "foreign";
  const form = FORMS[operation.id]?.((viewset) => world.objects.get(viewset)?.[kind] ?? "");
  if (form) return { user, ...formOf(form) };
  return { user, json: BODIES[operation.action] ?? BODIES[operation.id] ?? {} };
}

export function outcomeOf({ status }: TestAnswer): Outcome {
  const text = String(status);
  return text === "401" || text === "403" || text === "404" ? text : "let through";
}

/** Objects that a list shows or hides; undefined where it is no list of objects. */
export function listedOf(
  world: World,
  { operation, identity, place }: Cell,
): { readonly shown: readonly string[]; readonly hidden: readonly string[] } | undefined {
  const { action, viewset = "", object } = operation;
  if (action !== "list" || object !== undefined || viewset === "tokens") return undefined;
  const all = [...world.objects]
    .filter(([name]) => name === viewset || isBelow(name, viewset))
    .flatMap(([name, objects]) => placed(objects, place.domain).map((one) => ({ name, ...one })));
  const isShown = ({ name, isMarked, isHere }: (typeof all)[number]): boolean =>
    isHere &&
    (!isAdminOnly(name) || identity === "admin") &&
    isSeen(name, identity, { domain: place.domain, isMarked, isOwn: false });
  const hrefs = (list: typeof all) => list.map(({ href }) => href);
  return { shown: hrefs(all.filter(isShown)), hidden: hrefs(all.filter((one) => !isShown(one))) };
}

const ADMIN_ONLY = ["distributions/core/artifacts", "contentguards/certguard/"];
const isAdminOnly = (name: string): boolean => ADMIN_ONLY.some((start) => name.startsWith(start));

const OVERVIEWS = ["content", "repositories", "remotes", "publications", "distributions"];

/** Whether a generic list is about a viewset. */
const isBelow = (name: string, list: string): boolean =>
  list === "repository_versions"
    ? name.endsWith("/versions")
    : [...OVERVIEWS, "contentguards"].includes(list) &&
      name.startsWith(`${list}/`) &&
      !/\/(versions|blocklist_entries|trusted_publishers|downloads)$/.test(name);

function placed({ marked, stranger, foreign }: Objects, domain: string) {
  const isHere = foreign === undefined || domain === OWN;
  return [
    { href: marked, isMarked: true, isHere },
    { href: stranger, isMarked: false, isHere },
    ...(foreign === undefined
      ? []
      : [{ href: foreign, isMarked: false, isHere: domain === FOREIGN }]),
  ];
}
