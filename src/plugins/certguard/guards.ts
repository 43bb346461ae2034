import type { Ctx, GuardHandler } from "#sdk";
import { acceptedClient, type Client } from "./client.ts";
import { entitledPaths } from "./format/entitlement.ts";
import { extensionsOf } from "./format/extensions.ts";
import { MalformedEntitlement } from "./format/malformed.ts";
import { isEntitled, type PathNode, pathNode } from "./format/paths.ts";
import { RHSM_GUARD, X509_GUARD } from "./models.ts";

/** Permits clients whose certificate chains to those of the guard (core-content §6). */
export const x509Guard: GuardHandler = {
  type: X509_GUARD.type,
  async refusal(ctx, guard, request) {
    const client = await acceptedClient(ctx, guard, request);
    return typeof client === "string" ? client : undefined;
  },
};

const ELSEWHERE = "Requested path is not a subpath of a path in the client certificate.";

/** The same, and only below the paths that the certificate names. */
export const rhsmGuard: GuardHandler = {
  type: RHSM_GUARD.type,
  async refusal(ctx, guard, request) {
    const client = await acceptedClient(ctx, guard, request);
    if (typeof client === "string") return client;
    return isEntitled(pathsOf(ctx, client), request.path) ? undefined : ELSEWHERE;
  },
};

/** Paths of the certificates that are kept, unpacked once. */
const unpacked = new WeakMap<Client, PathNode>();

function pathsOf(ctx: Ctx, client: Client): PathNode {
  const known = unpacked.get(client) ?? readPaths(ctx, client);
  unpacked.set(client, known);
  return known;
}

/** Names no path where the entitlement cannot be read; the operator is told. */
function readPaths({ log }: Ctx, { certificate }: Client): PathNode {
  try {
    return entitledPaths(extensionsOf(certificate) ?? new Map());
  } catch (error) {
    if (!(error instanceof MalformedEntitlement)) throw error;
    log.warn(
      `The entitlement of certificate ${certificate.serialNumber} is refused: ${error.message}`,
    );
    return pathNode();
  }
}
