import type { FastifyReply } from "fastify";
import { rightsBook } from "#core/access/rights.ts";
import type { Ctx, User } from "#core/ctx.ts";
import { csrfCookie, newCsrfToken, setCsrfToken } from "../auth/cookies.ts";
import { csrfProblem, tokenProblem } from "../auth/csrf.ts";
import { authErrors } from "../auth/errors.ts";
import { gateway } from "../auth/gateway.ts";
import { rememberRequester } from "../auth/requesters.ts";
import { describeError } from "../kit/answer.ts";
import { AuditDraft } from "../kit/audit.ts";
import { readBody } from "../kit/body.ts";
import type { Call } from "../kit/call.ts";
import type { GeneralTasks } from "../kit/general-tasks.ts";
import type { Route, RouteOperation } from "../kit/routes.ts";
import { accountOf } from "./account.ts";
import { openDesk } from "./desk.ts";
import { leaveMessage, takeMessage } from "./flash.ts";
import type { Form, OpenVisit, Page, PageAnswer, PageOf, PageSite, PageSiteOf } from "./page.ts";

/** Pages of plugins as routes beside the REST API: who asks is known by the session alone. */
export const pageRoutes = (
  sites: readonly PageSiteOf[],
  settings: Ctx["settings"],
  tasks: GeneralTasks,
): readonly Route[] =>
  sites.flatMap((siteOf) => {
    const site = siteOf(settings);
    return site.pages.map((page) => routeOf(site, page, tasks));
  });

function routeOf(site: PageSite, page: Page, tasks: GeneralTasks): Route {
  const methods = [...(page.show ? ["GET"] : []), ...(page.send ? ["POST"] : [])];
  const operations = methods.map(
    (method): RouteOperation => ({
      method,
      id: page.name,
      permission: method.toLowerCase(),
      // The session is looked at here: a stranger is led to the log-in, not refused as JSON.
      isPublic: true,
      isDetached: page.isOpen === true,
      run: async (call) => answer(site, { page, route, tasks, call }),
    }),
  );
  const route: Route = { path: page.path, scope: "site", name: page.name, operations };
  return route;
}

interface Asked {
  readonly page: Page;
  readonly route: Route;
  readonly tasks: GeneralTasks;
  readonly call: Call;
}

async function answer(site: PageSite, asked: Asked): Promise<unknown> {
  const { request, reply, ctx } = asked.call;
  reply.header("vary", "Accept, Cookie");
  let visit = visitOf(asked.call, null);
  try {
    const user = (await gateway.sessionUser(ctx, request)) ?? null;
    const call = await callOf(asked, user);
    visit = visitOf(call, user);
    return await sendAnswer(site, visit, await run(site, visit, { ...asked, call }));
  } catch (error) {
    const problem = describeError(error, ctx.log.of(request.correlationId));
    for (const [name, value] of Object.entries(problem.headers ?? {})) reply.header(name, value);
    // A body that nobody reads any more is not waited for.
    if (!request.raw.complete) reply.header("connection", "close");
    const { status } = problem;
    return sendPage(site, reply, {
      status,
      html: site.problem(visit, { status, text: textOf(problem.body) }),
    });
  }
}

/** The refusal of the API as a sentence. */
function textOf(body: unknown): string {
  const detail = (body as { readonly detail?: unknown } | null)?.detail;
  return typeof detail === "string" ? detail : JSON.stringify(body);
}

async function callOf({ call, route, page }: Asked, user: User | null): Promise<Call> {
  const { ctx, request, caller } = call;
  if (user) {
    request.identity = { user, by: "session" };
    rememberRequester(request.raw, user.username);
  }
  const rights = await rightsBook(ctx).rightsOf({ user, domain: caller.domain });
  const known: Call = { ...call, caller: { ...caller, user }, rights };
  const changes = request.method === "POST" || page.changesByLink === true;
  const operation = route.operations.find(({ method }) => method === request.method);
  request.audit =
    changes && ctx.settings.AUDIT_ENABLED && user ? new AuditDraft(known, route, operation) : null;
  return known;
}

function visitOf(call: Call, user: User | null): OpenVisit {
  return {
    call,
    user,
    query: Object.fromEntries(call.query),
    account: accountOf(call, user),
    // Only pages that show them take the token and the message, and each once.
    token: once(() => tokenOf(call)),
    message: once(() => takeMessage(call)),
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The token of the browser, or a new one that it keeps from now on. */
function tokenOf({ ctx, request, reply }: Call): string {
  const known = csrfCookie(request);
  if (known !== undefined) return known;
  const token = newCsrfToken();
  setCsrfToken(ctx.settings, reply, token);
  return token;
}

async function run(site: PageSite, visit: OpenVisit, asked: Asked): Promise<PageAnswer> {
  const { page, call, tasks } = asked;
  if (page.isOpen) return perform(page, visit, call);
  const { user } = visit;
  if (!user) return { kind: "moved", to: logInFrom(site, call) };
  return perform(page, { ...visit, user, desk: openDesk(call, tasks) }, call);
}

/** Of a form that was sent the page itself is not led back to: its answer is none to a GET. */
function logInFrom({ logInPath }: PageSite, { request }: Call): string {
  const next = request.method === "POST" ? "" : request.originalUrl;
  return next === "" ? logInPath : `${logInPath}?next=${encodeURIComponent(next)}`;
}

async function perform<V extends OpenVisit>(
  page: PageOf<V>,
  visit: V,
  call: Call,
): Promise<PageAnswer> {
  const { ctx, request } = call;
  if (request.method === "POST" && page.send) {
    const form = await formOf(call);
    refuse(csrfProblem(ctx, request, form.csrfmiddlewaretoken));
    return page.send(visit, form);
  }
  if (page.changesByLink) refuse(tokenProblem(request, visit.query.csrfmiddlewaretoken));
  if (!page.show) throw new Error("The page shows nothing.");
  return page.show(visit);
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw authErrors.csrf(problem);
}

/** Files that come along are not taken. */
async function formOf(call: Call): Promise<Form> {
  await using body = await readBody(call, { fields: {} });
  const texts = Object.entries(body.values).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.at(-1) : value,
  ]);
  return Object.fromEntries(texts.filter(([, value]) => typeof value === "string"));
}

function sendAnswer(site: PageSite, visit: OpenVisit, answer: PageAnswer): FastifyReply {
  const { request, reply, ctx } = visit.call;
  switch (answer.kind) {
    case "page":
      return sendPage(site, reply, { status: 200, ...answer });
    case "moved":
      if (answer.message !== undefined) leaveMessage(ctx.settings, reply, answer.message);
      if (answer.isDone) request.audit?.done();
      else request.audit = null;
      return reply
        .code(302)
        .header("cache-control", "no-store")
        .header("location", answer.to)
        .send();
    case "asset":
      return reply
        .code(200)
        .header("content-type", answer.type)
        .header("cache-control", "public, max-age=86400")
        .send(answer.body);
    default:
      return answer satisfies never;
  }
}

const sendPage = (
  { styleOrigin = "'self'" }: PageSite,
  reply: FastifyReply,
  { status, html }: { readonly status: number; readonly html: string },
): FastifyReply =>
  reply
    .code(status)
    .header("content-type", "text/html; charset=utf-8")
    .header("cache-control", "no-store")
    .header(
      "content-security-policy",
      `default-src 'none'; style-src ${styleOrigin}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    )
    .send(html);
