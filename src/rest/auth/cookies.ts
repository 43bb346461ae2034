import { randomBytes } from "node:crypto";
import type { FastifyReply } from "fastify";
import type { NewSession } from "#core/access/types.ts";
import type { Ctx } from "#core/ctx.ts";
import type { Asking } from "./authentication.ts";

/** Secrets of ours: 32 bytes as base64url. */
const SECRET = /^[\w-]{43}$/;

/** The first well-formed value of a cookie of ours. */
function cookieOf({ headers }: Asking, name: string): string | undefined {
  const start = `${name}=`;
  const parts = (headers.cookie ?? "").split(";").map((part) => part.trim());
  const values = parts.flatMap((part) =>
    part.startsWith(start) ? [part.slice(start.length)] : [],
  );
  return values.find((value) => SECRET.test(value));
}

export const sessionCookie = (request: Asking): string | undefined =>
  cookieOf(request, "sessionid");

export const csrfCookie = (request: Asking): string | undefined => cookieOf(request, "csrftoken");

/** Gives the browser its session, and a token that pages send back with each change. */
export function setSession(
  { settings }: Ctx,
  reply: FastifyReply,
  { secret, maxAgeSeconds }: NewSession,
): void {
  const age = settings.SESSION_EXPIRE_AT_BROWSER_CLOSE ? "" : `; Max-Age=${maxAgeSeconds}`;
  addCookie(settings, reply, `sessionid=${secret}; HttpOnly${age}`);
  setCsrfToken(settings, reply, newCsrfToken());
}

export const newCsrfToken = (): string => randomBytes(32).toString("base64url");

/** Scripts of our own pages read this cookie, so it is not `HttpOnly`. */
export function setCsrfToken(settings: Ctx["settings"], reply: FastifyReply, token: string): void {
  addCookie(settings, reply, `csrftoken=${token}; Max-Age=${settings.SESSION_COOKIE_AGE}`);
}

export function clearSession({ settings }: Ctx, reply: FastifyReply): void {
  const past = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0";
  addCookie(settings, reply, `sessionid=""; HttpOnly; ${past}`);
}

/** A cookie for every path of this host. */
export function addCookie(settings: Ctx["settings"], reply: FastifyReply, cookie: string): void {
  const isSecure = settings.SESSION_COOKIE_SECURE || reply.request.protocol === "https";
  reply.header("set-cookie", `${cookie}; Path=/; SameSite=Lax${isSecure ? "; Secure" : ""}`);
}
