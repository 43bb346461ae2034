import type { FastifyRequest } from "fastify";
import type { Call } from "./call.ts";
import { restErrors } from "./rest-errors.ts";
import type { Route } from "./routes.ts";
import {
  type AnySite,
  likelyBasePath,
  type SiteCandidate,
  type SiteVisit,
  siteCandidates,
  siteRoutes,
} from "./site.ts";

/** A site where it is mounted. */
export interface MountedSite {
  readonly site: AnySite;
  /** `/pypi/`; the name of the domain follows where domains are on. */
  readonly prefix: string;
  /** Routes in the order of those of the site. */
  readonly routes: readonly Route[];
}

export const mountedSite = (site: AnySite, prefix: string): MountedSite => ({
  site,
  prefix,
  routes: siteRoutes(site),
});

/** Where a request leads: one of the routes, at a place. */
export interface FoundVisit {
  readonly route: Route;
  readonly visit: Omit<SiteVisit, "values">;
  /** `pypi/{path}/simple/{package}/` */
  readonly template: string;
}

/**
 * Finds the route and the place of a request by the end of its path, which alone tells where a base
 * path with slashes ends; of several meanings the one with the longest base path that exists.
 *
 * @throws `restErrors.noPlace`, or of strangers that want to change something `restErrors.credentials`.
 */
export async function findVisit(mounted: MountedSite, call: Call): Promise<FoundVisit> {
  const { site, prefix, routes } = mounted;
  const segments = segmentsOf(call.request, prefix, call.view.domainEnabled);
  const candidates = segments ? siteCandidates(site, segments) : [];
  const basePaths = [...new Set(candidates.map(({ basePath }) => basePath))];
  const place = basePaths.length === 0 ? undefined : await site.find(call, basePaths);
  const chosen = candidates.find(({ basePath }) => basePath === place?.basePath);
  const route = chosen && routes[site.routes.indexOf(chosen.route)];
  if (!place || !chosen || !route) throw nowhere(site, call, candidates);
  const { parameters, basePath } = chosen;
  const below = segments?.slice(basePath.split("/").length).join("/") ?? "";
  return { route, visit: { place, parameters, below }, template: templateOf(prefix, route) };
}

const templateOf = (prefix: string, { path }: Route): string =>
  `${prefix.slice(1)}{path}/${path.replaceAll(/:(\w+)\*?/g, "{$1}")}`;

function nowhere(
  site: AnySite,
  { caller, request }: Call,
  candidates: readonly SiteCandidate[],
): Error {
  if (caller.user === null && !isRead(request.method)) return restErrors.credentials();
  if (candidates.length === 0) return restErrors.notFound();
  return restErrors.noPlace(site.missing(likelyBasePath(candidates)));
}

/** Methods that change nothing. */
export const isRead = (method: string): boolean =>
  method === "GET" || method === "HEAD" || method === "OPTIONS";

/** Decoded segments below prefix and domain; undefined for what is no path of a site. */
function segmentsOf(
  { raw }: FastifyRequest,
  prefix: string,
  hasDomain: boolean,
): readonly string[] | undefined {
  const [path = ""] = (raw.url ?? "").split("?", 1);
  const words = path.slice(prefix.length).replace(/\/$/, "").split("/");
  const own = hasDomain ? words.slice(1) : words;
  // What is no valid encoding has been refused by the router.
  return own.length === 0 || own.includes("") ? undefined : own.map(decodeURIComponent);
}
