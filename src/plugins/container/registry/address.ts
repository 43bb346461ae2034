/** What a path below `/v2/` is about. */
export type RegistryRoute =
  | { readonly kind: "ping" }
  | { readonly kind: "catalog" }
  | { readonly kind: "uploads"; readonly name: string }
  | { readonly kind: "upload"; readonly name: string; readonly id: string }
  | { readonly kind: "blob"; readonly name: string; readonly digest: string }
  | { readonly kind: "manifest"; readonly name: string; readonly reference: string }
  | { readonly kind: "referrers"; readonly name: string; readonly digest: string }
  | { readonly kind: "tags"; readonly name: string }
  | { readonly kind: "nothing" };

const PING = { kind: "ping" } as const;
const NOTHING = { kind: "nothing" } as const;

/** In this order, so that repositories called `…/blobs` work (plugin-container §1.1). */
const ROUTES: readonly [RegExp, (name: string, rest: string) => RegistryRoute][] = [
  [/^(.+)\/blobs\/uploads\/([^/]+)$/, (name, id) => ({ kind: "upload", name, id })],
  [/^(.+)\/blobs\/uploads\/?$/, (name) => ({ kind: "uploads", name })],
  [/^(.+)\/blobs\/([^/]+)$/, (name, digest) => ({ kind: "blob", name, digest })],
  [/^(.+)\/manifests\/([^/]+)$/, (name, reference) => ({ kind: "manifest", name, reference })],
  [/^(.+)\/referrers\/([^/]+)$/, (name, digest) => ({ kind: "referrers", name, digest })],
  [/^(.+)\/tags\/list\/?$/, (name) => ({ kind: "tags", name })],
];

/** @param rest path below `/v2/`, as it was sent */
export function registryRoute(rest: string): RegistryRoute {
  if (rest === "") return PING;
  const path = decoded(rest);
  if (path === undefined) return NOTHING;
  if (path === "_catalog" || path === "_catalog/") return { kind: "catalog" };
  for (const [pattern, make] of ROUTES) {
    const [, name, last = ""] = pattern.exec(path) ?? [];
    if (name !== undefined) return make(name, last);
  }
  return NOTHING;
}

/** What a path says after the name of its repository: `manifests/latest`. */
export function belowName(
  route: Exclude<RegistryRoute, { readonly kind: "ping" | "catalog" | "nothing" }>,
): string {
  switch (route.kind) {
    case "upload":
      return `blobs/uploads/${route.id}`;
    case "uploads":
      return "blobs/uploads";
    case "blob":
      return `blobs/${route.digest}`;
    case "manifest":
      return `manifests/${route.reference}`;
    case "referrers":
      return `referrers/${route.digest}`;
    case "tags":
      return "tags/list";
    default:
      return route satisfies never;
  }
}

function decoded(path: string): string | undefined {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** A repository by its name as clients know it. */
export interface RepositoryName {
  /** As clients write it: with the domain, where domains are on. */
  readonly full: string;
  readonly domain: string;
  readonly basePath: string;
}

const DOMAIN = /^[-\w]{1,50}$/;

/** Undefined if the name lacks its domain. */
export function repositoryName(full: string, hasDomains: boolean): RepositoryName | undefined {
  if (!hasDomains) return { full, domain: "default", basePath: full };
  const slash = full.indexOf("/");
  const domain = full.slice(0, Math.max(slash, 0));
  const basePath = full.slice(slash + 1);
  return DOMAIN.test(domain) && basePath !== "" ? { full, domain, basePath } : undefined;
}

/** `/v2/` and its like below each prefix: `/`, `/api/pulp/`. */
export const mounted = (prefixes: readonly string[], path: string): readonly string[] =>
  prefixes.map((prefix) => `/${prefix}/${path}`.replaceAll(/\/{2,}/g, "/"));
