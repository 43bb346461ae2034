import { registryErrors } from "../registry/errors.ts";
import type { DoorTools, Visit } from "../registry/visit.ts";
import type { TokenService } from "./challenge.ts";
import type { RegistryUser } from "./rights.ts";
import type { TokenVerifier, VerifiedToken } from "./token.ts";

/** Who a request of the registry is from. */
export type Who =
  /** `hasMarker`: the client says that it is logged out. */
  | { readonly kind: "stranger"; readonly hasMarker: boolean }
  | { readonly kind: "user"; readonly user: RegistryUser; readonly by: string }
  /** A token of the token server; its user is null for strangers. */
  | { readonly kind: "token"; readonly user: RegistryUser | null; readonly token: VerifiedToken }
  | { readonly kind: "badToken" }
  | { readonly kind: "refused"; readonly message: string };

/** Empty user name and password, as podman sends it when it is logged out. */
const LOGGED_OUT = /^basic\s+og==$/i;
const BEARER = /^bearer\s+(\S+)$/i;
/** API tokens begin with this; the configured classes know them. */
const API_TOKEN = "dkl_";

interface Recognition {
  readonly tools: DoorTools;
  readonly access: DoorTools["access"];
  /** Undefined while tokens are switched off. */
  readonly tokens: TokenVerifier | undefined;
}

/**
 * Finds out who asks: by a token of the token server, or by the configured classes.
 *
 * @throws `registryErrors.throttled` after too many failures
 */
export async function recognise(
  { tools, access, tokens }: Recognition,
  { exchange: { request } }: Pick<Visit, "exchange">,
  service: TokenService,
): Promise<Who> {
  const { authorization } = request.headers;
  if (authorization === undefined) return identified(tools, request);
  if (LOGGED_OUT.test(authorization)) return { kind: "stranger", hasMarker: true };
  const [, bearer] = BEARER.exec(authorization) ?? [];
  if (!tokens || bearer === undefined || bearer.startsWith(API_TOKEN)) {
    return identified(tools, request);
  }
  const token = await tokens.verify(bearer);
  if (!token || !isFrom(service, token)) return { kind: "badToken" };
  if (token.subject === "") return { kind: "token", user: null, token };
  const user = await access.activeUser(token.subject, token.apiToken);
  if (!user) return { kind: "badToken" };
  tools.rememberUser(request, user.username);
  return { kind: "token", user, token };
}

const isFrom = ({ realm, service }: TokenService, { issuer, audience }: VerifiedToken): boolean =>
  issuer === realm && audience === service;

/** As clients write it; what is written otherwise is looked at by `recognise`. */
const BEARER_SCHEME = "Bearer ";

/**
 * The bearer of a token that was verified a moment ago, in force, and of a user who was found then.
 * Undefined says nothing: then ask `recognise`.
 */
export function recentToken(
  { tools, access, tokens }: Recognition,
  { exchange: { request } }: Pick<Visit, "exchange">,
  service: TokenService,
): Extract<Who, { readonly kind: "token" }> | undefined {
  const { authorization } = request.headers;
  if (!authorization?.startsWith(BEARER_SCHEME)) return undefined;
  const token = tokens?.known(authorization.slice(BEARER_SCHEME.length));
  if (!token || !isFrom(service, token)) return undefined;
  if (token.subject === "") return { kind: "token", user: null, token };
  const user = access.knownUser(token.subject, token.apiToken);
  if (!user) return undefined;
  tools.rememberUser(request, user.username);
  return { kind: "token", user, token };
}

/** What the configured classes say; where one refuses the header, the others are asked without it. */
async function identified(tools: DoorTools, request: Request): Promise<Who> {
  try {
    return known(await tools.identify(request));
  } catch (error) {
    const problem = refusalOf(error);
    if (!problem) throw error;
    if (problem.status === 429) throw registryErrors.throttled(problem.seconds);
    const other = await tools.identify(request, null);
    return other ? known(other) : { kind: "refused", message: problem.message };
  }
}

type Request = Visit["exchange"]["request"];

const known = (found: Awaited<ReturnType<DoorTools["identify"]>>): Who =>
  found ? { kind: "user", user: found.user, by: found.by } : { kind: "stranger", hasMarker: false };

interface Problem {
  readonly status: number;
  readonly message: string;
  readonly seconds: number;
}

/** Refusals of log-ins have a status; everything else is a failure of ours. */
export function refusalOf(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !("status" in error)) return undefined;
  const { status, message } = error;
  if (status !== 401 && status !== 403 && status !== 429) return undefined;
  return { status, message, seconds: Number(/\d+/.exec(message)?.[0] ?? 60) };
}
