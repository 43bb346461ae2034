import { CodedError } from "#base/errors.ts";
import { isAboutImmutable } from "../errors.ts";
import { isRepositoryName } from "../format/names.ts";
import type { RegistryQuestion } from "./access.ts";
import {
  belowName,
  mounted,
  type RegistryRoute,
  registryRoute,
  repositoryName,
} from "./address.ts";
import { sendAnswer, sendJson, sendProblem } from "./answers.ts";
import { deleteBlob, serveBlob } from "./blobs.ts";
import { serveCatalog } from "./catalog.ts";
import { isCleanedUp } from "./cleaned-up.ts";
import { deleteManifest } from "./delete-manifest.ts";
import { RegistryError, registryErrors } from "./errors.ts";
import { serveManifest } from "./manifests.ts";
import { putManifest } from "./put-manifest.ts";
import { recalledAnswer } from "./recall.ts";
import { serveReferrers } from "./referrers.ts";
import type { Registry, RepositoryVisit } from "./registry.ts";
import { serveTags } from "./tags.ts";
import {
  appendToUpload,
  beginUpload,
  cancelUpload,
  closeUpload,
  uploadStatus,
} from "./uploads/requests.ts";
import type { Door, DoorTools, Visit } from "./visit.ts";

type Named = Extract<RegistryRoute, { readonly name: string }>;
type Handler<Kind extends Named["kind"]> = (
  registry: Registry,
  visit: RepositoryVisit,
  route: Extract<Named, { readonly kind: Kind }>,
) => undefined | Promise<void>;

/** Endpoints about one repository, by what the path is about and the method; HEAD goes with GET. */
const ENDPOINTS: {
  readonly [Kind in Named["kind"]]: Readonly<Record<string, Handler<Kind>>>;
} = {
  uploads: { POST: beginUpload },
  upload: { GET: uploadStatus, PATCH: appendToUpload, PUT: closeUpload, DELETE: cancelUpload },
  blob: { GET: serveBlob, DELETE: deleteBlob },
  manifest: { GET: serveManifest, PUT: putManifest, DELETE: deleteManifest },
  referrers: { GET: serveReferrers },
  tags: { GET: serveTags },
};

/** The registry protocol on the API server (plugin-container §7). */
export const registryDoor = (open: (tools: DoorTools) => Registry): Door => ({
  open(tools) {
    const registry = open(tools);
    const paths = mounted(registry.settings.REGISTRY_MOUNT_PREFIXES, "v2/");
    const bare = paths.map((path) => path.slice(0, -1));
    return {
      paths: [...paths, ...bare],
      handle: (exchange) => {
        const path = paths.find((one) => exchange.rawPath.startsWith(one));
        const method = exchange.request.method ?? "";
        const prefix = (path ?? "/v2/").slice(0, -"v2/".length);
        const visit: Visit = { exchange, method, prefix };
        const rest = path === undefined ? "" : exchange.rawPath.slice(path.length);
        return answered(registry, visit, rest);
      },
      fail: (exchange, status) => sendProblem({ exchange }, registryErrors.failed(status)),
      async close() {
        await registry.sessions.close();
        await registry.pulls.close();
        await registry.memory.close();
        await registry.access.close?.();
      },
    };
  },
});

/** Refusals become answers; anything else is the server's to tell. */
function answered(registry: Registry, visit: Visit, rest: string): undefined | Promise<void> {
  try {
    const recalled = recalledAnswer(registry, visit);
    const sent = recalled
      ? sendAnswer(registry, visit.exchange, recalled)
      : answer(registry, visit, registryRoute(rest));
    return sent?.catch((error) => refuse(visit, error));
  } catch (error) {
    refuse(visit, error);
    return undefined;
  }
}

/** @throws what is no refusal */
export function refuse(visit: Visit, error: unknown): void {
  const { response } = visit.exchange;
  const problem = problemOf(error);
  if (!problem || response.headersSent) throw error;
  sendProblem(visit, problem);
}

/** What storage and authentication say in codes of their own. */
function problemOf(error: unknown): RegistryError | undefined {
  if (error instanceof RegistryError) return error;
  if (isCleanedUp(error)) return registryErrors.cleanedUp();
  if (isAboutImmutable(error)) return registryErrors.immutable(error.message);
  if (!(error instanceof CodedError)) return undefined;
  switch (error.status) {
    case 401:
      return registryErrors.unauthorized('Basic realm="api"', error.message);
    case 403:
      return registryErrors.denied();
    case 429:
      return registryErrors.throttled(2);
    case 503:
    case 507:
      return registryErrors.failed(error.status);
    default:
      return undefined;
  }
}

function answer(registry: Registry, visit: Visit, route: RegistryRoute): undefined | Promise<void> {
  if (route.kind === "nothing") throw registryErrors.route();
  if (route.kind === "ping" || route.kind === "catalog")
    return general(registry, visit, route.kind);
  return aboutRepository(registry, visit, route);
}

async function general(registry: Registry, visit: Visit, kind: "ping" | "catalog"): Promise<void> {
  const caller = await registry.access.authorise(visit, { kind });
  if (visit.method !== "GET" && visit.method !== "HEAD")
    throw registryErrors.method(["GET", "HEAD"]);
  if (kind === "catalog") return serveCatalog(registry, visit, caller);
  const { challenge } = caller;
  sendJson(visit, {}, challenge === undefined ? {} : { "WWW-Authenticate": challenge });
}

function aboutRepository(
  registry: Registry,
  visit: Visit,
  route: Named,
): undefined | Promise<void> {
  const { ctx, access, memory } = registry;
  const name = repositoryName(route.name, ctx.settings.DOMAIN_ENABLED);
  const isRead = visit.method === "GET" || visit.method === "HEAD" || visit.method === "OPTIONS";
  // Nothing can have such a name, so nobody has to be asked who they are.
  if (!name || !isRepositoryName(name.basePath)) {
    throw isRead ? registryErrors.nameUnknown(route.name) : registryErrors.nameInvalid(route.name);
  }
  const from = route.kind === "uploads" ? mountSource(visit) : undefined;
  const question: RegistryQuestion = {
    ...{ kind: "repository", action: isRead ? "pull" : "push", name },
    below: belowName(route),
    ...(from === undefined ? {} : { from }),
    place: async () => (isRead ? memory.place(name) : memory.target(name)),
  };
  const caller = access.authorise(visit, question);
  if (!(caller instanceof Promise)) return dispatch(registry, { ...visit, name, caller }, route);
  return caller.then((known) => dispatch(registry, { ...visit, name, caller: known }, route));
}

/** The repository that a POST with exactly `mount` and `from` names (plugin-container §7.3.1). */
function mountSource({ exchange }: Visit): string | undefined {
  if (exchange.query?.includes("from=") !== true) return undefined;
  const query = new URLSearchParams(exchange.query);
  return query.get("mount") === null ? undefined : (query.get("from") ?? undefined);
}

function dispatch<Kind extends Named["kind"]>(
  registry: Registry,
  visit: RepositoryVisit,
  route: Extract<Named, { readonly kind: Kind }>,
): undefined | Promise<void> {
  const endpoints = ENDPOINTS[route.kind] as Readonly<Record<string, Handler<Kind>>>;
  const handler = endpoints[visit.method === "HEAD" ? "GET" : visit.method];
  if (handler) return handler(registry, visit, route);
  const methods = Object.keys(endpoints);
  throw registryErrors.method(methods.includes("GET") ? ["HEAD", ...methods] : methods);
}
