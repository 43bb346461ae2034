import { randomUUID } from "node:crypto";
import type { Identified, Visit } from "../registry/visit.ts";
import { formOf } from "./form.ts";
import { grantedScopes } from "./grants.ts";
import type { KeyBook } from "./keys.ts";
import { refusalOf } from "./recognise.ts";
import type { RegistryAuth } from "./registry-auth.ts";
import { parsedScopes, scopeText } from "./scopes.ts";
import { registryAuthSettingsOf } from "./settings.ts";
import { signedToken } from "./token.ts";

/** A refusal of the token server. */
export class TokenError extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly seconds: number | undefined;

  constructor(status: number, body: TokenError["body"], seconds?: number) {
    super(JSON.stringify(body));
    this.status = status;
    this.body = body;
    this.seconds = seconds;
  }
}

/** With the envelope of the registry, for clients that know no other. */
const refused = (status: number, code: string, detail: string, seconds?: number): TokenError =>
  new TokenError(status, { detail, errors: [{ code, message: detail, detail: {} }] }, seconds);

/** Errors of OAuth 2 (RFC 6749 §5.2). */
const oauthError = (error: string, text: string, status = 400): TokenError =>
  new TokenError(status, {
    ...{ error, error_description: text, detail: text },
    errors: [{ code: status === 401 ? "UNAUTHORIZED" : "UNSUPPORTED", message: text, detail: {} }],
  });

/** What a client asks the token server for. */
interface Wish {
  readonly service: string;
  readonly scopes: readonly string[];
  /** Wants something to come back with instead of the password. */
  readonly isOffline: boolean;
  /** What the client calls itself. */
  readonly client: string;
}

export interface Served {
  readonly auth: RegistryAuth;
  readonly keys: KeyBook;
  readonly visit: Visit;
}

/** @throws `TokenError` */
export async function answerGet(served: Served): Promise<object> {
  const query = new URLSearchParams(served.visit.exchange.query);
  const service = query.get("service") ?? "";
  if (service === "") throw refused(400, "UNSUPPORTED", "No service name provided.");
  const found = await who(served, undefined);
  return tokenFor(served, found, {
    service,
    scopes: query.getAll("scope"),
    isOffline: query.get("offline_token") === "true",
    client: query.get("client_id") ?? "",
  });
}

/**
 * The way of OAuth 2, with a password or with what an earlier log-in left.
 *
 * @throws `TokenError`
 */
export async function answerPost(served: Served): Promise<object> {
  const form = await formOf(served.visit.exchange.request);
  if (!form) throw oauthError("invalid_request", "Send a form with a grant_type.");
  const service = form.get("service") ?? "";
  if (service === "") throw oauthError("invalid_request", "No service name provided.");
  const found = await who(served, credentialsOf(form));
  if (!found) throw oauthError("invalid_grant", "The credentials are not right.", 401);
  const scopes = form.getAll("scope");
  const answer = await tokenFor(served, found, {
    ...{ service, scopes },
    isOffline: form.get("access_type") === "offline",
    client: form.get("client_id") ?? "",
  });
  const refresh = form.get("grant_type") === "refresh_token" ? form.get("refresh_token") : null;
  return {
    ...answer,
    token_type: "Bearer",
    scope: scopeText(parsedScopes(scopes)),
    ...(refresh === null ? {} : { refresh_token: refresh }),
  };
}

/** As the header that means the same, so that one place checks and limits log-ins. */
function credentialsOf(form: URLSearchParams): string {
  const [type, name, password, refresh] = [
    "grant_type",
    "username",
    "password",
    "refresh_token",
  ].map((key) => form.get(key) ?? "");
  if (type === "refresh_token" && /^[\x21-\x7e]+$/.test(refresh ?? "")) return `Bearer ${refresh}`;
  if (type === "password" && name && !name.includes(":")) {
    return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
  }
  if (type === "password" || type === "refresh_token") {
    throw oauthError("invalid_grant", "The credentials are not right.", 401);
  }
  throw oauthError("unsupported_grant_type", "grant_type is 'password' or 'refresh_token'.");
}

/** Podman that is logged out says so; that is no failed log-in. */
const LOGGED_OUT = /^basic\s+og==$/i;

async function who(
  { auth: { tools }, visit }: Served,
  authorization: string | undefined,
): Promise<Identified | undefined> {
  const { request } = visit.exchange;
  const isLoggedOut = LOGGED_OUT.test(request.headers.authorization ?? "");
  try {
    return await tools.identify(request, isLoggedOut ? null : authorization);
  } catch (error) {
    const problem = refusalOf(error);
    if (!problem) throw error;
    const { status, message, seconds } = problem;
    throw status === 429
      ? refused(429, "TOOMANYREQUESTS", message, seconds)
      : refused(401, "UNAUTHORIZED", message);
  }
}

async function tokenFor(
  { auth, keys, visit }: Served,
  found: Identified | undefined,
  { service, scopes, isOffline, client }: Wish,
): Promise<object> {
  const user = found?.user ?? null;
  const access = await grantedScopes(auth, user, parsedScopes(scopes));
  const now = auth.ctx.clock.now();
  const seconds = registryAuthSettingsOf(auth.ctx).TOKEN_EXPIRATION_TIME;
  const claims = {
    issuer: auth.service(visit).realm,
    audience: service,
    subject: user?.username ?? "",
    ...(user?.tokenId === undefined ? {} : { apiToken: user.tokenId }),
    access,
  };
  const token = await signedToken(keys, claims, { now, seconds });
  const refresh = isOffline && user ? await refreshToken(auth, user, client) : undefined;
  return {
    ...{ token, access_token: token, expires_in: seconds },
    issued_at: new Date(Math.floor(now / 1000) * 1000).toISOString().replace("000Z", "000000Z"),
    ...(refresh === undefined ? {} : { refresh_token: refresh }),
  };
}

/** API tokens for these need no more than the registry. */
const REGISTRY_ONLY = ["pull", "push", "pull_new"].map(
  (verb) => `container.${verb}_containerdistribution`,
);
const DAY_MS = 86_400_000;

/** Undefined for clients that have an API token already: they go on with it. */
async function refreshToken(
  { ctx, access }: RegistryAuth,
  { id, tokenId }: Identified["user"],
  client: string,
): Promise<string | undefined> {
  const days = registryAuthSettingsOf(ctx).REGISTRY_LOG_IN_LIFETIME;
  if (tokenId !== undefined || days === 0) return undefined;
  const now = ctx.clock.now();
  const what = client.replaceAll(/[^\w .-]/g, "").slice(0, 40) || "client";
  const { token } = await access.issueToken({
    owner: id,
    name: `registry log-in of ${what} ${new Date(now).toISOString()} ${randomUUID().slice(0, 8)}`,
    scope: { permissions: REGISTRY_ONLY },
    expires: new Date(now + days * DAY_MS).toISOString(),
    issuer: "registry",
  });
  return token;
}
