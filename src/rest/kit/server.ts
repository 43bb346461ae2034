import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { ambientOf, within } from "#base/ambient.ts";
import { rightsBook } from "#core/access/rights.ts";
import { scopeAllows } from "#core/access/token-scope.ts";
import { withoutToken } from "#core/access/token-text.ts";
import type { Caller, Ctx, DomainRef, User } from "#core/ctx.ts";
import { policyBook } from "#core/policies/book.ts";
import { isPermitted } from "#core/policies/permit.ts";
import type { Question } from "#core/policies/question.ts";
import type { AuthenticationClass } from "../auth/authentication.ts";
import { AuthenticationChain } from "../auth/chain.ts";
import { coreAuthentication } from "../auth/classes.ts";
import { proxyList } from "../auth/proxies.ts";
import { rememberRequester } from "../auth/requesters.ts";
import { sendError, sendJson } from "./answer.ts";
import type { ApiIndex } from "./api-index.ts";
import { AuditDraft, Auditor, isMutation } from "./audit.ts";
import type { Call } from "./call.ts";
import { correlationIdOf } from "./correlation.ts";
import { isAllowedHost } from "./host.ts";
import {
  clientErrorHandler,
  type HttpOptions,
  newServer,
  rewrite,
  rootOf,
  STANDARD_HEADERS,
} from "./http-server.ts";
import { originReader } from "./origin.ts";
import { restErrors } from "./rest-errors.ts";
import { type Route, type RouteOperation, scopeQuestion } from "./routes.ts";
import { mayView, placePrns, type SitePlace, sitePrefix } from "./site.ts";
import { findVisit, isRead, type MountedSite, mountedSite } from "./site-visit.ts";
import { Target } from "./target.ts";
import type { View } from "./view.ts";

export interface ApiOptions extends HttpOptions {
  readonly api: ApiIndex;
  /** Every route: those of resources and endpoints, the description, the index. */
  readonly routes: readonly Route[];
  readonly findDomain: (name: string) => Promise<DomainRef | undefined>;
  /** Asks the content guard of what a site is about; without it sites are not served. */
  readonly refuseDownload?: RefuseDownload;
  /** Ways to recognise who asks, among which the settings choose; default are those of the core. */
  readonly authentication?: readonly AuthenticationClass[];
  /** What a gateway says about the one who asks. */
  readonly claims?: (request: FastifyRequest) => Caller["claims"];
  /** Hooks of plugins, in the order of the setting; they come before everything else. */
  readonly middleware?: readonly ((hooks: RequestHooks) => void)[];
  /** Called after each answer, for access log and metrics. */
  readonly onAnswer?: (request: FastifyRequest, reply: FastifyReply, elapsedMs: number) => void;
}

/** Where plugins take part in requests. */
export interface RequestHooks {
  /** For the framework's own hooks. */
  readonly app: FastifyInstance;
  /** Called once a request is permitted, before it is carried out. */
  whenPermitted(work: WhenPermitted): void;
}

/** @param place of a request to a site. */
export type WhenPermitted = (call: Call, place?: SitePlace) => Promise<void> | void;

/**
 * The reason for which a content guard refuses a request, or undefined to permit it. Of requests that
 * change something only what stands before the guard is asked.
 */
export type RefuseDownload = (
  call: Call,
  place: SitePlace & {
    readonly guard: NonNullable<SitePlace["guard"]>;
    /** Path below the base path. */
    readonly below: string;
  },
) => Promise<string | undefined>;

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** The REST API as a Fastify instance that is not listening yet. */
export function createApi(ctx: Ctx, options: ApiOptions): FastifyInstance {
  const sites = options.refuseDownload ? options.api.parts.sites : [];
  const mounted = sites.map((site) => mountedSite(site, sitePrefix(site, ctx.settings)));
  const prefixes = [
    ...mounted.map(({ prefix }) => prefix),
    ...options.routes.filter(({ scope }) => scope === "site").map(fixedPart),
  ];
  const app = Fastify({
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    forceCloseConnections: "idle",
    keepAliveTimeout: options.http?.keepAliveTimeoutMs ?? 80_000,
    requestTimeout: 0,
    trustProxy: proxyList(ctx.settings) ?? false,
    routerOptions: { maxParamLength: 2048, ignoreDuplicateSlashes: false },
    serverFactory: (handler) => newServer(options, handler),
    rewriteUrl: (request) => rewrite(ctx, prefixes, request),
    clientErrorHandler,
    frameworkErrors: (error, _request, reply) => void sendError(reply, error, ctx.log),
  });
  app.removeAllContentTypeParsers();
  // Bodies are read by the handler, once it is known who asks and what the operation takes.
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.decorateRequest("correlationId", "");
  app.decorateRequest("apiRoot", "");
  app.decorateRequest("routeTemplate", "");
  app.decorateRequest("challenge", undefined);
  app.decorateRequest("audit", null);
  app.decorateRequest("isHeardOut", false);
  app.decorateRequest("identity", undefined);
  const whenPermitted: WhenPermitted[] = [];
  for (const attach of options.middleware ?? []) {
    attach({ app, whenPermitted: (work) => void whenPermitted.push(work) });
  }
  addHooks(app, ctx, options);
  const server = new ApiServer(ctx, options, whenPermitted);
  for (const route of options.routes) server.mount(app, route);
  for (const site of mounted) server.mountSite(app, site);
  return app;
}

function surrounded<Result>(request: FastifyRequest, work: () => Result): Result {
  const around = ambientOf(request, request.correlationId);
  return around ? within(around, work) : work();
}

function addHooks(app: FastifyInstance, ctx: Ctx, options: ApiOptions): void {
  const { onAnswer } = options;
  app.addHook("onRequest", async (request, reply) => {
    request.correlationId = correlationIdOf(request.headers["correlation-id"]);
    request.apiRoot = rootOf(request.raw) ?? ctx.settings.API_ROOT;
    reply.headers({ ...STANDARD_HEADERS, "correlation-id": request.correlationId });
    if (!isAllowedHost(request.headers.host, ctx.settings.ALLOWED_HOSTS)) throw restErrors.host();
  });
  app.setErrorHandler((error, request, reply) => {
    if (!request.raw.complete && !request.isHeardOut) reply.header("connection", "close");
    return sendError(reply, error, ctx.log.of(request.correlationId));
  });
  app.setNotFoundHandler((request, reply) =>
    sendError(reply, restErrors.noRoute(request.url.split("?")[0] ?? ""), ctx.log),
  );
  if (ctx.settings.AUDIT_ENABLED) new Auditor(ctx).attach(app);
  if (onAnswer) {
    app.addHook("onResponse", (request, reply, done) => {
      onAnswer(request, reply, reply.elapsedTime);
      done();
    });
  }
}

/** Of requests that look at nothing. */
const NO_DOMAIN: DomainRef = { num: 0, id: "", name: "default" };

/** A page for people, before anybody is asked who they are (core-rest §1.2). */
const sendUnknownDomain = (reply: FastifyReply): FastifyReply =>
  reply
    .code(404)
    .header("content-type", "text/html; charset=utf-8")
    .send(
      "<!doctype html>\n<title>Not Found</title>\n<h1>Not Found</h1>\n<p>There is no such domain.</p>\n",
    );

const isRefusal = (error: unknown): boolean =>
  [restErrors.permission, restErrors.credentials, restErrors.guard].some((one) => one.is(error));

const allowedMethods = ({ operations }: Route): string =>
  [...new Set(operations.map(({ method }) => method)), "HEAD", "OPTIONS"].join(", ");

/** A path as far as it names no key. */
const fixedPart = ({ path }: Route): string => path.split(":", 1)[0] ?? path;

const pathOf = ({ originalUrl }: FastifyRequest): string =>
  (originalUrl.split("?", 1)[0] ?? "").replace(/^\//, "");

/** What permission is asked for. */
interface Asked {
  readonly route: Route;
  readonly action: string;
  readonly target: Target;
  readonly visit?: Question["visit"];
  readonly admits?: RouteOperation["admits"] | undefined;
}

class ApiServer {
  readonly #ctx: Ctx;
  readonly #options: ApiOptions;
  readonly #chain: AuthenticationChain;
  readonly #whenPermitted: readonly WhenPermitted[];
  readonly #originOf: (request: FastifyRequest) => string;

  constructor(ctx: Ctx, options: ApiOptions, whenPermitted: readonly WhenPermitted[]) {
    this.#ctx = ctx;
    this.#options = options;
    this.#whenPermitted = whenPermitted;
    this.#originOf = originReader(ctx.settings);
    // What is wrong with the setting stops the start.
    policyBook(ctx);
    this.#chain = new AuthenticationChain(ctx, options.authentication ?? coreAuthentication);
  }

  /** One registration per path: the method is decided here, so that 405 and `Allow` are right. */
  mount(app: FastifyInstance, route: Route): void {
    for (const url of this.#urls(route)) {
      const template = url.replace(/^\//, "").replaceAll(/:(\w+)/g, "{$1}");
      app.route({
        method: [...METHODS],
        url,
        handler: (request, reply) =>
          surrounded(request, () => this.#handle(route, { request, reply, template })),
      });
      if (!url.endsWith("/")) continue;
      app.route({
        method: [...METHODS],
        url: url.slice(0, -1),
        handler: (request, reply) => {
          const [path, query] = request.originalUrl.split("?");
          return reply
            .code(301)
            .header("location", `${path}/${query === undefined ? "" : `?${query}`}`)
            .send();
        },
      });
    }
  }

  /** Everything below a prefix is of one site: base paths may hold slashes. */
  mountSite(app: FastifyInstance, site: MountedSite): void {
    const domain = this.#ctx.settings.DOMAIN_ENABLED ? ":pulp_domain/" : "";
    app.route({
      method: [...METHODS],
      url: `${site.prefix}${domain}*`,
      handler: (request, reply) =>
        surrounded(request, () => this.#handleSite(site, request, reply)),
    });
  }

  #urls({ path, scope }: Route): string[] {
    const { API_ROOT: root, DOMAIN_ENABLED: domains, ENABLE_V4_API: v4 } = this.#ctx.settings;
    if (scope === "site") return [path];
    const versions = v4 ? ["v3", "v4"] : ["v3"];
    const plain = versions.map((version) => `${root}api/${version}/${path}`);
    if (!domains) return plain;
    const inDomain = versions.map((version) => `${root}:pulp_domain/api/${version}/${path}`);
    return scope === "both" ? [...inDomain, ...plain] : inDomain;
  }

  async #handle(
    route: Route,
    {
      request,
      reply,
      template,
    }: { request: FastifyRequest; reply: FastifyReply; template: string },
  ): Promise<unknown> {
    request.routeTemplate = template;
    const method = request.method === "HEAD" ? "GET" : request.method;
    const operation = route.operations.find((one) => one.method === method);
    reply.header("allow", allowedMethods(route));
    request.challenge = this.#chain.challenge(request);
    const domain = await this.#domain(request, operation?.isDetached === true);
    if (!domain) return sendUnknownDomain(reply);
    const isPublic = operation?.isPublic ?? route.operations.every((one) => one.isPublic);
    const user = isPublic ? null : await this.#authenticate(request, reply);
    const call = await this.#call({ request, reply, domain, user });
    if (this.#ctx.settings.AUDIT_ENABLED && isMutation(method)) {
      request.audit = new AuditDraft(call, route, operation);
    }
    if (method === "OPTIONS") return this.#describe(call, route, isPublic);
    if (!operation)
      throw user || isPublic ? restErrors.method(request.method) : restErrors.credentials();
    const { key, parent } = request.params as Readonly<Record<string, string>>;
    await using target = new Target(call, {
      ...operation,
      ...(key === undefined ? {} : { key }),
      ...(parent === undefined ? {} : { parent }),
    });
    const { permission: action, admits } = operation;
    if (!isPublic) await this.#permit(call, { route, action, target, admits });
    for (const work of this.#whenPermitted) await work(call);
    return await operation.run(call, target);
  }

  async #handleSite(
    site: MountedSite,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown> {
    request.isHeardOut = true;
    request.challenge = this.#chain.challenge(request);
    const domain = await this.#domain(request, false);
    if (!domain) return sendUnknownDomain(reply);
    const user = await this.#authenticate(request, reply);
    const call = await this.#call({ request, reply, domain, user });
    const { route, visit, template } = await findVisit(site, call);
    request.routeTemplate = template;
    reply.header("allow", allowedMethods(route));
    const method = request.method === "HEAD" ? "GET" : request.method;
    const operation = route.operations.find((one) => one.method === method);
    if (this.#ctx.settings.AUDIT_ENABLED && isMutation(method)) {
      request.audit = new AuditDraft(call, route, operation);
      request.audit.visits(visit.place, pathOf(request));
    }
    if (method === "OPTIONS") {
      return sendJson(reply, 200, { name: route.name, renders: ["application/json"] });
    }
    // As everywhere: who is nobody is asked who he is before he learns what there is.
    if (!operation) throw user ? restErrors.method(request.method) : restErrors.credentials();
    await using target = new Target(call, { ...operation, visit });
    await this.#permitVisit(call, { route, operation, target });
    for (const work of this.#whenPermitted) await work(call, visit.place);
    const { parts } = visit.place;
    if (!parts || !isRead(request.method)) return await operation.run(call, target);
    const shown = {
      ...visit.place,
      parts: await this.#readable(call, parts, { route, operation, below: visit.below }),
    };
    return await operation.run(
      call,
      new Target(call, { ...operation, visit: { ...visit, place: shown } }),
    );
  }

  /** The parts of a place that the caller may read, in their order. */
  async #readable(
    call: Call,
    parts: readonly SitePlace[],
    { below, ...asked }: { route: Route; operation: RouteOperation; below: string },
  ): Promise<readonly SitePlace[]> {
    const mayRead = await Promise.all(
      parts.map(async (place) => {
        const target = new Target(call, { visit: { place, parameters: {}, below } });
        try {
          // The scope of a token that reaches the whole reaches its parts.
          await this.#permitPlace(call, { ...asked, target });
          return true;
        } catch (error) {
          if (isRefusal(error)) return false;
          throw error;
        }
      }),
    );
    return parts.filter((_, index) => mayRead[index]);
  }

  async #permitVisit(
    call: Call,
    { route, operation, target }: { route: Route; operation: RouteOperation; target: Target },
  ): Promise<void> {
    const { place } = target.visit;
    const { caller, request } = call;
    const asked = { isRead: isRead(request.method), domain: caller.domain.name };
    const question = { ...asked, objects: placePrns(place) };
    const permissions = [operation.scope, operation.narrowScope].filter((one) => one !== undefined);
    const mayGo = permissions.some((permission) =>
      scopeAllows(caller.user?.scope, { ...question, permission }),
    );
    if (!mayGo) throw restErrors.scope();
    await this.#permitPlace(call, { route, operation, target });
  }

  /** What policy and guard of a place say. */
  async #permitPlace(
    call: Call,
    { route, operation, target }: { route: Route; operation: RouteOperation; target: Target },
  ): Promise<void> {
    const { place, below } = target.visit;
    const { guard } = place;
    const isGuarded = guard !== null && isRead(call.request.method);
    const refusal = async () =>
      guard ? this.#options.refuseDownload?.(call, { ...place, guard, below }) : undefined;
    const visit = isGuarded ? { refusal } : {};
    await this.#ask(call, { route, action: operation.permission, target, visit });
    const isDecided = policyBook(this.#ctx).decider !== undefined;
    const isAsked = isGuarded && !isDecided && !(await mayView(call, place));
    if (guard === null || (isGuarded && !isAsked)) return;
    const reason = await refusal();
    if (reason !== undefined) throw restErrors.guard(reason);
  }

  async #describe(call: Call, route: Route, isPublic: boolean): Promise<unknown> {
    const target = new Target(call, {});
    const admits = route.operations.find((one) => one.admits)?.admits;
    if (!isPublic) await this.#permit(call, { route, action: "metadata", target, admits });
    return sendJson(call.reply, 200, { name: route.name, renders: ["application/json"] });
  }

  async #permit(call: Call, asked: Asked): Promise<void> {
    const { route, action, admits } = asked;
    const { caller, request } = call;
    const parameters = request.params as Record<string, string>;
    const question = scopeQuestion(route, {
      ...{ action, parameters, isRead: isRead(request.method), domain: caller.domain.name },
      isEverywhere: admits !== undefined && route.scope === "site",
    });
    if (!scopeAllows(caller.user?.scope, question)) throw restErrors.scope();
    if (!admits) return this.#ask(call, asked);
    if (!caller.user) throw restErrors.credentials();
    if (!admits(call)) throw restErrors.permission();
  }

  /** @throws `restErrors.permission`, to strangers `restErrors.credentials`. */
  async #ask(
    { caller, rights, request }: Call,
    { route, action, target, visit }: Asked,
  ): Promise<void> {
    const { key } = request.params as Readonly<Record<string, string>>;
    const isAllowed = await isPermitted(this.#ctx, {
      ...{ caller, rights, viewset: route.name, action, facts: target, method: request.method },
      ...(route.target ? { isGlobal: route.target.isGlobal } : {}),
      ...(key === undefined ? {} : { key }),
      ...(visit ? { visit } : {}),
    });
    if (!isAllowed) throw caller.user ? restErrors.permission() : restErrors.credentials();
  }

  async #authenticate(request: FastifyRequest, reply: FastifyReply): Promise<User | null> {
    if (!request.headers.authorization) reply.header("vary", "Accept, Cookie");
    const identity = await this.#chain.authenticate(request);
    if (!identity) return null;
    request.identity = identity;
    rememberRequester(request.raw, identity.user.username);
    return identity.user;
  }

  /** Undefined if the path names a domain that there is not. */
  async #domain(request: FastifyRequest, isDetached: boolean): Promise<DomainRef | undefined> {
    const { pulp_domain: name } = request.params as { pulp_domain?: string };
    if (name === undefined && isDetached) return NO_DOMAIN;
    if (name !== undefined && !/^[-\w]{1,50}$/.test(name)) return undefined;
    return this.#options.findDomain(name ?? "default");
  }

  async #call({
    request,
    reply,
    domain,
    user,
  }: {
    request: FastifyRequest;
    reply: FastifyReply;
    domain: DomainRef;
    user: User | null;
  }): Promise<Call> {
    const gone = new AbortController();
    request.raw.once("close", () => {
      if (!request.raw.complete) gone.abort();
    });
    reply.raw.once("close", () => {
      if (!reply.raw.writableFinished) gone.abort();
    });
    const diagnostics = String(request.headers["x-task-diagnostics"] ?? "");
    const view: View = {
      root: request.apiRoot,
      domainEnabled: this.#ctx.settings.DOMAIN_ENABLED,
      domain: domain.name,
      origin: this.#originOf(request),
      ctx: this.#ctx,
      api: this.#options.api,
    };
    const claims = this.#options.claims?.(request);
    const question = request.url.indexOf("?");
    return {
      ctx: this.#ctx,
      caller: {
        domain,
        user,
        correlationId: request.correlationId,
        route: withoutToken(request.originalUrl),
        ...(claims ? { claims } : {}),
        ...(diagnostics
          ? { profileOptions: diagnostics.split(",").map((word) => word.trim()) }
          : {}),
      },
      rights: await rightsBook(this.#ctx).rightsOf({ user, domain }),
      view,
      request,
      reply,
      signal: gone.signal,
      query: new URLSearchParams(question < 0 ? "" : request.url.slice(question + 1)),
    };
  }
}
