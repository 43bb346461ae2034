import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { uuid7 } from "#base/uuid7.ts";
import { type Route, routesOf } from "#rest/kit/routes.ts";
import type { TestAnswer } from "../../support/rest-api.ts";
import {
  canary,
  createOrganisations,
  DOMAINS,
  type Domain,
  type Organisations,
  PEOPLE,
  type Somebody,
} from "./organisations.ts";
import { below } from "./support.ts";

/** By hand: what is of no domain, and who may come there by having the one of the URL. */
const OF_NO_DOMAIN: Readonly<Record<string, "nobody" | "reads" | "himself">> = {
  ...Object.fromEntries(
    ["users", "groups", "users/roles", "groups/roles", "groups/users"].map((one) => [
      one,
      "nobody",
    ]),
  ),
  ...{ audit: "nobody", domain_orgs: "nobody", "permissions/explain": "nobody" },
  // For administrators, though it is about a domain.
  "datarepair/7465-v2": "nobody",
  ...{ workers: "reads", roles: "reads", access_policies: "reads", "signing-services": "reads" },
  ...{ login: "himself", tokens: "himself" },
};

const isRead = (method: string): boolean => method === "GET";

/** Whether the table of service §5.2 lets somebody through. */
function isLet(somebody: Somebody, domain: Domain, { route, method, action }: Asked): boolean {
  if (somebody.isAdmin) return true;
  const [family = "", detail] = route.name.split("/");
  const isPublic = ["repositories", "content", "publications", "distributions"].includes(family);
  const isPlain = action === "list" || action === "retrieve";
  if (domain === "public-b" && isRead(method) && isPublic && detail && isPlain) return true;
  return somebody.isKnown && isLetByHaving(somebody, domain, { route, method, action });
}

function isLetByHaving(
  { has: domains, reads }: Somebody,
  domain: Domain,
  { route, method, action }: Asked,
): boolean {
  const has = domains.includes(domain);
  const rule = OF_NO_DOMAIN[route.name];
  if (rule === "nobody") return false;
  if (rule === "himself") return true;
  if (rule === "reads") return isRead(method) && has;
  if (route.name === "pypi_yank_monitor" && action === "list") return true;
  if (route.name === "domains")
    return has || (action === "create" && method === "POST") || action === "list";
  // Of no domain by its address, so that readers of the one in the URL have nothing of it.
  if (route.name === "pypi_yank_monitor") return has;
  return has || (isRead(method) && reads?.includes(domain) === true);
}

interface Asked {
  readonly route: Route;
  readonly method: string;
  readonly action: string;
}

/** Domains whose objects somebody may see somewhere. */
const visible = ({ has, reads = [] }: Somebody): readonly Domain[] => [
  ...has,
  ...reads,
  "public-b",
];

function keysOf(world: Organisations, domain: Domain, { path }: Route): string {
  const resource = path.split("/:key/")[0]?.split("/:parent/").join("/{}/") ?? "";
  const href = world.hrefs.get(domain)?.get(resource.replace(/\/$/, ""));
  const parts = href?.split("/").filter(Boolean) ?? [];
  const parent = path.includes(":parent") ? parts.at(-3) : undefined;
  const isNumber = /^(users|groups)\//.test(path);
  const other = isNumber ? "1" : uuid7();
  return path
    .replace(":parent", parent ?? other)
    .replace(":key", path.includes(":key") ? (parts.at(-1) ?? other) : "");
}

const isRefused = ({ status }: TestAnswer): boolean => status === 401 || status === 403;

interface Cell extends Asked {
  readonly name: string;
  readonly somebody: Somebody;
  readonly domain: Domain;
  readonly url: string;
}

/** Whose like is asked everything: of these the common operations are enough. */
const AKIN: ReadonlySet<string> = new Set([
  ...["ben", "account of 1", "eve", "account of none", "another by SAML", "host of 1"],
]);

const isCommon = ({ route, action }: Asked): boolean =>
  ["repositories/file/file", "domains", "tasks", "users"].includes(route.name) &&
  ["list", "create", "retrieve", "destroy"].includes(action);

/** Actions that every resource has are asked of one of them. */
const isDistinct = ({ route, action }: Asked): boolean =>
  !/_role|_label|my_permissions/.test(action) ||
  ["repositories/file/file", "domains"].includes(route.name);

/** Every operation below a domain, in every domain, by everybody. */
async function cellsOf(world: Organisations): Promise<readonly Cell[]> {
  const { api } = world;
  const ids = await api.ctx.db.selectFrom("domain").select(["name", "id"]).execute();
  const idOf = (name: string) => ids.find((one) => one.name === name)?.id ?? "";
  const routes = routesOf(api.api, api.generalTasks).filter(
    ({ scope, operations }) => scope === "domain" && operations.every((one) => !one.isPublic),
  );
  const pathOf = (domain: Domain, route: Route) =>
    route.name === "domains"
      ? route.path.replace(":key", idOf(domain))
      : keysOf(world, domain, route);
  const asked = DOMAINS.flatMap((domain) =>
    routes.flatMap((route) =>
      route.operations.map(({ method, permission: action }) => {
        const path = below(domain, pathOf(domain, route));
        return {
          domain,
          route,
          method,
          action,
          url: action === "list" ? `${path}?limit=1000` : path,
        };
      }),
    ),
  );
  return Object.entries(PEOPLE).flatMap(([name, somebody]) =>
    asked
      .filter((one) => (AKIN.has(name) ? isCommon(one) : isDistinct(one)))
      .map((one) => ({ name, somebody, ...one })),
  );
}

/** Texts that only objects of domains have that somebody may not see. */
const hiddenFrom = (somebody: Somebody): readonly string[] =>
  somebody.isAdmin
    ? []
    : DOMAINS.filter((domain) => !visible(somebody).includes(domain)).flatMap((one) => [
        canary(one),
        `/${one}/`,
      ]);

/** Nobody passes whom the table refuses, and no canary is seen across, below some of the domains. */
export async function checkOrganisations(
  t: TestContext,
  domains: readonly Domain[],
): Promise<void> {
  const world = await createOrganisations(t);
  const cells = (await cellsOf(world)).filter(({ domain }) => domains.includes(domain));
  const wrong: string[] = [];
  const leaks: string[] = [];
  let passed = 0;
  for (const cell of cells) {
    const { somebody, method, url, domain } = cell;
    const json = isRead(method) ? {} : { json: {} };
    const answer = await world.api.request(method, url, { ...somebody.options, ...json });
    const words = `${method} ${url} by ${cell.name}: ${answer.status}`;
    const expected = isLet(somebody, domain, cell);
    const refusal = somebody.isKnown ? 403 : 401;
    if (expected ? isRefused(answer) : answer.status !== refusal) wrong.push(words);
    if (expected) passed += 1;
    const said = answer.text.replaceAll(url, "");
    const shown = hiddenFrom(somebody).filter((text) => said.includes(text));
    leaks.push(...shown.map((text) => `${words} ${text}`));
  }
  t.diagnostic(`${cells.length} cells, ${passed} of them let through`);
  assert.ok(cells.length > 2000 && passed > 400, `${cells.length} cells, ${passed} let through`);
  assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${cells.length} are wrong`);
  assert.deepEqual(leaks.slice(0, 20), [], `${leaks.length} leaks`);
}
