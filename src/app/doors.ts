import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { ambientOf, within } from "#base/ambient.ts";
import { clientAddress, proxyTrust } from "#base/client-address.ts";
import { isOutage } from "#base/outage.ts";
import { rightsBook } from "#core/access/rights.ts";
import { createAuditTrail } from "#core/audit/commands.ts";
import type { Ctx } from "#core/ctx.ts";
import { domainFinder } from "#core/domains/queries.ts";
import { accessTools } from "#core/policies/access-tools.ts";
import { policyBook } from "#core/policies/book.ts";
import type { Facts } from "#core/policies/facts.ts";
import { ChangeFeed } from "#delivery/change-feed.ts";
import type { DoorTools, OpenDoor } from "#delivery/door.ts";
import { sentFile } from "#delivery/download-tally.ts";
import { type Exchange, headerProblem, openExchange } from "#delivery/exchange.ts";
import { DoorFiles } from "#delivery/file-sender.ts";
import { reset } from "#delivery/send.ts";
import type { Asking } from "#rest/auth/authentication.ts";
import { bareRequest, hostOf, protocolOf } from "#rest/auth/bare-request.ts";
import { AuthenticationChain } from "#rest/auth/chain.ts";
import { rememberRequester } from "#rest/auth/requesters.ts";
import { isAllowedHost } from "#rest/kit/host.ts";
import type { Meter, Plugin } from "#sdk";
import { doorGuardOf } from "./guard-of.ts";
import { authenticationOf, claimsReader } from "./hooks.ts";
import type { RequestMetrics } from "./request-metrics.ts";

/** The doors of the enabled plugins, in front of the router of the API server. */
export interface Doors {
  /** Answers what is for a door and passes on the rest. */
  before(next: RequestListener): RequestListener;
  /** Ends connections after the answers under way. */
  stopKeeping(): void;
  /** After the servers are closed. */
  close(graceMs: number): Promise<void>;
}

/** Who looks at what doors do. */
export interface DoorWatch {
  readonly measured?: RequestMetrics | undefined;
  readonly meters?: Meter | undefined;
}

export function openDoors(
  ctx: Ctx,
  plugins: readonly Plugin[],
  { measured, meters }: DoorWatch = {},
): Doors {
  const files = new DoorFiles(ctx);
  const tools = doorTools(ctx, { plugins, sender: files, meters });
  const doors = plugins.flatMap(({ doors: own = [] }) => own.map((door) => door.open(tools)));
  const state: State = { ctx, measured, isClosing: false };
  return {
    before(next) {
      if (doors.length === 0) return next;
      return (request, response) => {
        const door = doorOf(doors, request.url ?? "");
        if (door) pass(state, door, { request, response });
        else next(request, response);
      };
    },
    stopKeeping() {
      state.isClosing = true;
    },
    async close(graceMs) {
      await Promise.all(doors.map((door) => door.close()));
      await files.close(AbortSignal.timeout(graceMs));
    },
  };
}

function doorTools(
  ctx: Ctx,
  {
    plugins,
    sender,
    meters,
  }: {
    readonly plugins: readonly Plugin[];
    readonly sender: DoorFiles;
    readonly meters: Meter | undefined;
  },
): DoorTools {
  const chain = new AuthenticationChain(ctx, authenticationOf(plugins));
  const trust = proxyTrust(ctx.settings.TRUSTED_PROXIES);
  const decide = doorDecider(ctx, plugins);
  const refuses = doorGuardOf(ctx, plugins);
  const trail = ctx.settings.AUDIT_ENABLED ? createAuditTrail(ctx) : undefined;
  return {
    ...{ ctx, sender, access: accessTools(ctx) },
    ...(decide ? { decide } : {}),
    ...(refuses ? { refuses } : {}),
    async identify(request, authorization) {
      const asking = bareRequest(request, trust);
      const found = await chain.authenticate(
        authorization === undefined ? asking : withAuthorization(asking, authorization),
      );
      if (found) rememberRequester(request, found.user.username);
      return found;
    },
    addressOf: (request) => clientAddress(request, trust),
    originOf: (request) => ({
      protocol: protocolOf(request, trust),
      host: hostOf(request, trust),
    }),
    rememberUser: rememberRequester,
    follow(listener) {
      const feed = new ChangeFeed(ctx, listener);
      feed.start();
      return feed;
    },
    record: async (entry) => trail?.record(entry),
    recording: (entries) => trail?.statements(entries) ?? [],
    ...(meters ? { countSent: counterOf(meters) } : {}),
  };
}

const counterOf =
  (meters: Meter): NonNullable<DoorTools["countSent"]> =>
  (exchange, file, sending) => {
    const sent = sentFile(file, exchange, sending);
    if (sent) meters.sent(sent);
  };

/** The permission class of the settings, asked about doors as about every other address. */
function doorDecider(ctx: Ctx, plugins: readonly Plugin[]): DoorTools["decide"] {
  const { decider } = policyBook(ctx);
  if (!decider) return undefined;
  const findDomain = domainFinder(ctx);
  const claimsOf = claimsReader(ctx, plugins);
  return async (request, { user, domain: name, isRead, viewset }, own) => {
    const domain = await findDomain(name);
    if (!domain) return false;
    const claims = claimsOf?.({ raw: request });
    const caller = { domain, user, correlationId: "", ...(claims ? { claims } : {}) };
    const rights = await rightsBook(ctx).rightsOf({ user, domain });
    const [action, method] = isRead ? ["retrieve", "GET"] : ["update", "PUT"];
    const asked = { caller, rights, viewset, action, method, facts: NO_FACTS, visit: {} };
    return decider.isPermitted(asked, async () => own());
  };
}

/** Policies do not speak of doors, so nobody looks at what a request is about. */
const NO_FACTS: Facts = {
  object: () => Promise.reject(new Error("A door has no object.")),
  parent: () => Promise.reject(new Error("A door has no parent.")),
  attribute: () => Promise.resolve(undefined),
  parameter: () => Promise.resolve(undefined),
  isGiven: () => Promise.resolve(false),
  value: () => Promise.resolve(undefined),
};

/** The same request with another header; all else it tells when it is asked, as before. */
function withAuthorization(asking: Asking, authorization: string | null): Asking {
  const { authorization: _, ...others } = asking.headers;
  const headers = authorization === null ? others : { ...others, authorization };
  return Object.create(asking, { headers: { value: headers } }) as Asking;
}

interface State {
  readonly ctx: Ctx;
  readonly measured: RequestMetrics | undefined;
  isClosing: boolean;
}

/** The paths of doors are few and begin the path, whatever the query says. */
function doorOf(doors: readonly OpenDoor[], url: string): OpenDoor | undefined {
  for (const door of doors) {
    for (const path of door.paths) if (leadsTo(url, path)) return door;
  }
  return undefined;
}

function leadsTo(url: string, path: string): boolean {
  if (!url.startsWith(path)) return false;
  return path.endsWith("/") || url.length === path.length || url[path.length] === "?";
}

function pass(
  { ctx, measured, isClosing }: State,
  door: OpenDoor,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): void {
  if (isClosing) response.shouldKeepAlive = false;
  if (measured) measure(measured, request, response);
  const exchange = openExchange(request, response);
  const problem = headerProblem(request) || hostProblem(ctx, request);
  if (problem !== 0) {
    response.shouldKeepAlive = false;
    door.fail(exchange, problem);
    return;
  }
  try {
    const around = ambientOf(request, exchange.correlationId);
    const handled = around ? within(around, () => door.handle(exchange)) : door.handle(exchange);
    handled?.catch((error) => fail(ctx, door, { exchange, error }));
  } catch (error) {
    fail(ctx, door, { exchange, error });
  }
}

const hostProblem = ({ settings }: Ctx, { headers }: IncomingMessage): 0 | 400 =>
  isAllowedHost(headers.host, settings.ALLOWED_HOSTS) ? 0 : 400;

function measure(
  measured: RequestMetrics,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const start = performance.now();
  // It comes once; a listener that takes itself off would cost more.
  response.on("close", () => {
    const elapsedMs = performance.now() - start;
    measured.answered(request, { status: response.statusCode, template: "", elapsedMs });
  });
}

/** The end of a request that went wrong. */
function fail(
  ctx: Ctx,
  door: OpenDoor,
  { exchange, error }: { readonly exchange: Exchange; readonly error: unknown },
): void {
  const { request, response, rawPath } = exchange;
  if (request.socket.destroyed) return;
  const isDown = isOutage(error);
  const text = error instanceof Error ? (isDown ? error.message : error.stack) : error;
  ctx.log.of(exchange.correlationId).error(`${request.method} ${rawPath} failed: ${text}`);
  if (!isDown) ctx.metrics.count("deckle_errors_total", { place: "door" });
  if (!request.complete) response.shouldKeepAlive = false;
  if (response.headersSent) reset(response);
  else door.fail(exchange, isDown ? 503 : 500);
}
