import { mounted, repositoryName } from "../registry/address.ts";
import { sendProblem } from "../registry/answers.ts";
import { refuse } from "../registry/door.ts";
import { registryErrors } from "../registry/errors.ts";
import { openRegistry } from "../registry/open.ts";
import type { Registry, RepositoryVisit } from "../registry/registry.ts";
import type { Door, Visit } from "../registry/visit.ts";
import { putSignature } from "./put-signature.ts";
import { serveSignatures } from "./serve-signatures.ts";

const PATH = "extensions/v2/";
const ROUTE = /^(.+)\/signatures\/(sha256:[0-9a-f]{64})$/;

/** Signatures over manifests, as clients with OpenPGP keys ask for them (plugin-container §7.11). */
export const signaturesDoor: Door = {
  open(tools) {
    const registry = openRegistry(tools);
    const paths = mounted(registry.settings.REGISTRY_MOUNT_PREFIXES, PATH);
    return {
      paths,
      async handle(exchange) {
        const path = paths.find((one) => exchange.rawPath.startsWith(one)) ?? "";
        const prefix = path.slice(0, -PATH.length);
        const visit = { exchange, method: exchange.request.method ?? "", prefix };
        try {
          await answer(registry, visit, exchange.rawPath.slice(path.length));
        } catch (error) {
          refuse(visit, error);
        }
      },
      fail: (exchange, status) => sendProblem({ exchange }, registryErrors.failed(status)),
      close: async () => undefined,
    };
  },
};

async function answer(registry: Registry, visit: Visit, rest: string): Promise<void> {
  const [, written = "", digest = ""] = ROUTE.exec(rest.replace(/%3a/i, ":")) ?? [];
  if (digest === "") throw registryErrors.route();
  const name = repositoryName(written, registry.ctx.settings.DOMAIN_ENABLED);
  if (!name) throw registryErrors.nameUnknown(written);
  const { method } = visit;
  const isRead = method === "GET" || method === "HEAD";
  const caller = await registry.access.authorise(visit, {
    ...{ kind: "repository", action: isRead ? "pull" : "push", name },
    below: `signatures/${digest}`,
    place: async () => registry.memory.place(name),
  });
  const known: RepositoryVisit = { ...visit, name, caller };
  if (isRead) return serveSignatures(registry, known, digest);
  if (method === "PUT") return putSignature(registry, known, digest);
  throw registryErrors.method(["GET", "HEAD", "PUT"]);
}
