import type { FastifyReply } from "fastify";
import { beginSession, endSession } from "#core/access/commands.ts";
import { type PasswordLogIn, passwordCheckOf } from "#core/access/password-log-in.ts";
import type { NewSession } from "#core/access/types.ts";
import type { Ctx } from "#core/ctx.ts";
import { readBody } from "../kit/body.ts";
import type { Call } from "../kit/call.ts";
import type { Route, RouteOperation } from "../kit/routes.ts";
import {
  clearSession,
  csrfCookie,
  newCsrfToken,
  sessionCookie,
  setCsrfToken,
  setSession,
} from "./cookies.ts";
import { csrfProblem } from "./csrf.ts";
import { localPath } from "./local-path.ts";
import { loginPage, logoutPage, messagePage } from "./login-page.ts";
import { reportLogIn } from "./report-log-in.ts";

/** The pages of the browser log-in, outside the API root (core-rest §1.2). */
export const loginRoutes = (): readonly Route[] => [
  page("/auth/login/", { GET: showLogin, POST: logIn }),
  page("/auth/logout/", { GET: showLogout, POST: logOut }),
];

type Run = (call: Call) => Promise<unknown>;

const page = (path: string, runs: Readonly<Record<"GET" | "POST", Run>>): Route => ({
  path,
  scope: "site",
  name: path,
  operations: Object.entries(runs).map(
    ([method, run]): RouteOperation => ({
      method,
      permission: method.toLowerCase(),
      isPublic: true,
      isDetached: true,
      run: async (call) => run(call),
    }),
  ),
});

async function showLogin(call: Call): Promise<unknown> {
  const next = localPath(call.query.get("next")) ?? "";
  return sendPage(call.reply, 200, loginPage({ token: tokenOf(call), next }));
}

async function logIn(call: Call): Promise<unknown> {
  const { ctx, reply, request } = call;
  const { username, password, next: wanted, csrfmiddlewaretoken } = await fieldsOf(call);
  const problem = csrfProblem(ctx, request, csrfmiddlewaretoken);
  if (problem !== undefined) return sendForeign(reply, problem);
  const next = localPath(wanted) ?? "";
  const name = username ?? "";
  const typed = { name, password: password ?? "", address: request.ip };
  const found = await passwordCheckOf(ctx).logIn(typed);
  const session = found.kind === "user" ? await begun(call, found) : undefined;
  if (!session) {
    reportLogIn(ctx, call.request, { action: "failed", user: name, by: "form" });
    const isFlood = found.kind === "flood";
    if (isFlood) reply.header("retry-after", String(found.seconds));
    const problem = isFlood ? floodText(found.seconds) : WRONG;
    const form = { token: tokenOf(call), next, name, problem };
    return sendPage(reply, isFlood ? 429 : 403, loginPage(form));
  }
  setSession(ctx, reply, session);
  reportLogIn(ctx, call.request, { action: "login", user: name, by: "form" });
  return reply
    .code(302)
    .header("location", next || home(ctx))
    .send();
}

async function showLogout(call: Call): Promise<unknown> {
  return sendPage(call.reply, 200, logoutPage(tokenOf(call)));
}

async function logOut(call: Call): Promise<unknown> {
  const { ctx, reply, request } = call;
  const { csrfmiddlewaretoken } = await fieldsOf(call);
  const problem = csrfProblem(ctx, request, csrfmiddlewaretoken);
  if (problem !== undefined) return sendForeign(reply, problem);
  const secret = sessionCookie(request);
  if (secret !== undefined) await endSession(ctx, secret);
  clearSession(ctx, reply);
  return sendPage(reply, 200, messagePage("Log out", "You are logged out."));
}

/** Where a log-in leads to that does not say it. */
function home({ settings }: Ctx): string {
  const domain = settings.DOMAIN_ENABLED ? "default/" : "";
  return localPath(settings.LOGIN_REDIRECT_URL) ?? `${settings.API_ROOT}${domain}api/v3/`;
}

const WRONG = "The user name or the password is wrong.";
const floodText = (seconds: number): string =>
  `Too many failed logins. Try again in ${seconds} seconds.`;

const begun = (
  { ctx, request }: Call,
  { id, passwordHash }: Extract<PasswordLogIn, { kind: "user" }>,
): Promise<NewSession | undefined> =>
  beginSession(ctx, id, { replaced: sessionCookie(request), passwordHash });

/** Texts of the form by name; what is no text is not there. */
async function fieldsOf(call: Call): Promise<Readonly<Record<string, string | undefined>>> {
  await using body = await readBody(call, { fields: {} });
  return Object.fromEntries(
    Object.entries(body.values).filter(([, value]) => typeof value === "string"),
  ) as Record<string, string>;
}

/** The token of the browser, or a new one that it keeps from now on. */
function tokenOf({ ctx, request, reply }: Call): string {
  const known = csrfCookie(request);
  if (known !== undefined) return known;
  const token = newCsrfToken();
  setCsrfToken(ctx.settings, reply, token);
  return token;
}

const sendForeign = (reply: FastifyReply, problem: string): FastifyReply =>
  sendPage(reply, 403, messagePage("Forbidden", `CSRF Failed: ${problem}`));

const sendPage = (reply: FastifyReply, status: number, html: string): FastifyReply =>
  reply
    .code(status)
    .header("content-type", "text/html; charset=utf-8")
    .header("cache-control", "no-store")
    .header("vary", "Accept, Cookie")
    .header(
      "content-security-policy",
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    .send(html);
