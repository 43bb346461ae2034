import type { FastifyReply, FastifyRequest } from "fastify";
import { beginSession, joinGroup } from "#core/access/commands.ts";
import { rightsBook } from "#core/access/rights.ts";
import { sessionLogInOf } from "#core/access/session-log-in.ts";
import type { Ctx, User } from "#core/ctx.ts";
import { sessionCookie, setSession } from "./cookies.ts";
import { jsonHeaderScheme } from "./json-header.ts";
import { proxyHeader } from "./proxies.ts";
import { remoteUsers } from "./remote-users.ts";
import { reportLogIn } from "./report-log-in.ts";

/** Groups say the same in every domain. */
const NO_DOMAIN = { num: 0, id: "", name: "default" };

/** Names of the groups of a user, mostly without a statement; superusers count as in none. */
const groupsOf = async (ctx: Ctx, user: User): Promise<readonly string[]> =>
  (await rightsBook(ctx).rightsOf({ user, domain: NO_DOMAIN })).groups;

interface Visitor {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly user: User;
}

/** Begins a session of a browser; false if the user may not come in any more. */
async function openSession(ctx: Ctx, { request, reply, user }: Visitor): Promise<boolean> {
  const session = await beginSession(ctx, user.id, { replaced: sessionCookie(request) });
  if (!session) return false;
  setSession(ctx, reply, session);
  opened.set(request, session.secret);
  reportLogIn(ctx, request, { action: "login", user: user.username, by: "gateway" });
  return true;
}

/** Sessions that began while their request was under way, so that it does not bring them. */
const opened = new WeakMap<FastifyRequest, string>();

/** Secret of the session of a browser; it may have ended. */
export const sessionSecret = (request: FastifyRequest): string | undefined =>
  opened.get(request) ?? sessionCookie(request);

/** Who is logged in by the browser that asks. */
async function sessionUser(ctx: Ctx, request: FastifyRequest): Promise<User | undefined> {
  const secret = sessionSecret(request);
  return secret === undefined ? undefined : sessionLogInOf(ctx).user(secret);
}

/** For plugins that recognise users by what a gateway in front of us says. */
export const gateway = {
  header: proxyHeader,
  remoteUsers,
  scheme: jsonHeaderScheme,
  groupsOf,
  joinGroup,
  sessionUser,
  openSession,
} as const;
