import type { IncomingMessage } from "node:http";
import { lenientBase64 } from "#base/lenient-base64.ts";
import type { Log } from "./log.ts";

/** The header by which a gateway names who asks (service §2). */
const HEADER = "x-rh-identity";
/** Larger ones are no identities; reading them would cost more than the request. */
const MAX_HEADER = 16_384;

/** Who asks, as access lines name it. */
export interface GatewayIdentity {
  readonly user?: string;
  readonly orgId?: string;
}

type Path = readonly string[];

/** In the order of precedence (service §12.1). */
const USER_PATHS: readonly Path[] = [
  ["user", "username"],
  ["x509", "subject_dn"],
  ["associate", "email"],
  ["registry", "username"],
];
const ORG_PATHS: readonly Path[] = [["org_id"], ["registry", "org_id"]];

/**
 * Reads the identity of a request for its access line. It proves nothing and refuses nothing: what
 * cannot be read is told to the log, and the request goes on.
 */
export function gatewayIdentity({ headers }: IncomingMessage, log: Log): GatewayIdentity {
  const value = headers[HEADER];
  if (typeof value !== "string" || value === "") return {};
  const identity = decode(value, log);
  if (identity === undefined) return {};
  const user = first(identity, USER_PATHS);
  const orgId = first(identity, ORG_PATHS);
  if (user === undefined && orgId === undefined) {
    log.warn(
      "X-RH-IDENTITY present but neither username nor org_id could be derived from identity header.",
    );
  }
  return { ...(user === undefined ? {} : { user }), ...(orgId === undefined ? {} : { orgId }) };
}

/** The variables of a request that lines may name: `%({ORG_ID}e)s`. */
export function requestEnvironment(
  request: IncomingMessage,
  log: Log,
): (name: string) => string | undefined {
  let identity: GatewayIdentity | undefined;
  const known = () => {
    identity ??= gatewayIdentity(request, log);
    return identity;
  };
  return (name) => {
    if (name === "REMOTE_USER") return known().user;
    if (name === "ORG_ID") return known().orgId;
    if (name !== "X_FORWARDED_FOR") return undefined;
    return request.headers["x-forwarded-for"]?.toString();
  };
}

function decode(value: string, log: Log): unknown {
  const bytes = value.length > MAX_HEADER ? undefined : lenientBase64(value);
  try {
    if (bytes === undefined) throw new Error("it is not Base64");
    const { identity } = JSON.parse(bytes.toString("utf8")) as { readonly identity?: unknown };
    return identity ?? {};
  } catch (error) {
    log.error(`The X-RH-IDENTITY header could not be read: ${(error as Error).message}`);
    return undefined;
  }
}

function first(identity: unknown, paths: readonly Path[]): string | undefined {
  for (const path of paths) {
    const value = path.reduce(member, identity);
    if (typeof value === "number" || (typeof value === "string" && value !== "")) {
      return String(value);
    }
  }
  return undefined;
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
