/** What the words of the API mean to a permission class; pure, so that every row has a test. */

/** Methods that change nothing. */
export const isSafe = (method: string): boolean =>
  method === "GET" || method === "HEAD" || method === "OPTIONS";

/** Domains that strangers may read begin so. */
export const isPublicName = (name: string): boolean => name.startsWith("public-");

/** Addresses of a Python index. */
export const isIndex = (viewset: string): boolean => viewset.startsWith("pypi/");

/** What strangers read in a public domain. */
const PUBLIC_FAMILIES: ReadonlySet<string> = new Set([
  "repositories",
  "content",
  "publications",
  "distributions",
]);

/** Reads that show objects, and not who holds roles on them. */
const PUBLIC_ACTIONS: ReadonlySet<string> = new Set(["list", "retrieve", "metadata"]);

/** Whether strangers may read an address of a public domain (service §5, "Better than the peer"). */
export function isOpenInPublic(viewset: string, action: string): boolean {
  const [family = "", detail] = viewset.split("/");
  return detail !== undefined && PUBLIC_FAMILIES.has(family) && PUBLIC_ACTIONS.has(action);
}

/** Of no domain, and read by every tenant: it names no other. */
const SHARED: ReadonlySet<string> = new Set([
  ...["workers", "roles", "access_policies"],
  // Used from every domain (plugin-container §4.5).
  "signing-services",
]);

/** What everybody who is known does to himself. */
const OWN: ReadonlySet<string> = new Set(["login", "tokens"]);

/** Addresses that are about no kind of object, and work on the domain of the request alone. */
const IN_DOMAIN: ReadonlySet<string> = new Set([
  "orphans",
  "orphans/cleanup",
  "repair",
  "repositories/reclaim_space",
  "business_metrics",
]);

/** How far an address reaches. */
export type Reach = "own" | "domain" | "shared" | "everywhere";

/**
 * Whoever has a domain has what is in it. What is of no domain would reach the other tenants, so it
 * stays with the administrators, whatever the peer does.
 *
 * @param isObject it is about a kind of object.
 */
export function reachOf(
  viewset: string,
  { isGlobal, isObject }: { readonly isGlobal: boolean; readonly isObject: boolean },
): Reach {
  if (OWN.has(viewset)) return "own";
  if (SHARED.has(viewset)) return "shared";
  if (isObject) return isGlobal ? "everywhere" : "domain";
  return IN_DOMAIN.has(viewset) ? "domain" : "everywhere";
}

/**
 * Whether a subscription opens an address.
 *
 * @param endpoints as in the setting: `/api/v3/content/`.
 */
export const isSubscribed = (viewset: string, endpoints: readonly string[]): boolean =>
  endpoints.some((endpoint) => `/api/v3/${viewset}/`.startsWith(endpoint));
