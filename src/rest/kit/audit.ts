import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { prn } from "#base/prn.ts";
import { createAuditTrail } from "#core/audit/commands.ts";
import type { AuditEntry, AuditOutcome, AuditTrail } from "#core/audit/types.ts";
import type { Caller, Ctx } from "#core/ctx.ts";
import { apiPath } from "./address.ts";
import { resourcePrn } from "./api-index.ts";
import type { Call } from "./call.ts";
import { keyOf, rowHref } from "./present.ts";
import type { Resource, Row } from "./resource.ts";
import { restErrors } from "./rest-errors.ts";
import type { Route, RouteOperation } from "./routes.ts";
import type { SitePlace } from "./site.ts";
import type { View } from "./view.ts";

/** Methods whose requests may change something. */
export const isMutation = (method: string): boolean =>
  method === "POST" || method === "PUT" || method === "PATCH" || method === "DELETE";

/** What becomes an entry of the audit trail; the kit adds what it learns while it works. */
export class AuditDraft {
  readonly #caller: Caller;
  readonly #view: View;
  readonly #operation: string;
  #path: string;
  #prn: string | null;
  #task: string | null = null;
  #taskGroup: string | null = null;
  #isDone = false;

  constructor({ caller, view, request }: Call, route: Route, operation?: RouteOperation) {
    const { key = "", parent = "" } = request.params as Readonly<Record<string, string>>;
    this.#caller = caller;
    this.#view = view;
    this.#operation = operation?.id ?? route.name;
    const subject = operation?.resource;
    // Of an action on an object, the object.
    const [path = ""] = key && subject ? route.path.split(/(?<=:key\/)/) : [route.path];
    this.#path = path.replace(":parent", parent).replace(":key", key);
    this.#prn = key && subject && subject.key !== "number" ? resourcePrn(subject, key) : null;
  }

  /** A request to a site is about a distribution. */
  visits({ object }: SitePlace, path: string): void {
    this.#path = path;
    this.#prn = prn(object.model, object.id);
  }

  /** What was asked for is done, though the answer leads elsewhere. */
  done(): void {
    this.#isDone = true;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  get hasUser(): boolean {
    return this.#caller.user !== null;
  }

  /** The object that is addressed, or was made. */
  found(resource: Resource, row: Row): void {
    const href = rowHref(resource, row, this.#view);
    this.#path = `${apiPath(href, this.#view) ?? href}/`;
    this.#prn = resourcePrn(resource, String(row.$prn ?? keyOf(row)));
  }

  dispatched({ task, taskGroup }: { readonly task?: string; readonly taskGroup?: string }): void {
    this.#task = task ?? null;
    this.#taskGroup = taskGroup ?? null;
  }

  entry(
    request: FastifyRequest,
    { outcome, status }: Pick<AuditEntry, "outcome" | "status">,
  ): AuditEntry {
    const { user, domain, correlationId } = this.#caller;
    return {
      domain: domain.id === "" ? null : domain.name,
      user: user && { id: user.id, username: user.username },
      authenticatedBy: classOf(request, user),
      operation: this.#operation,
      method: request.method,
      objectPath: this.#path,
      objectPrn: this.#prn,
      correlationId,
      // A Unix socket has no address.
      client: request.ip ?? "",
      outcome: outcome === "done" && (this.#task ?? this.#taskGroup) ? "dispatched" : outcome,
      status,
      task: this.#task,
      taskGroup: this.#taskGroup,
    };
  }
}

/** Of what an administrator does as another user, the trail names both. */
function classOf({ identity }: FastifyRequest, user: Caller["user"]): string | null {
  if (!identity) return null;
  return user?.actor === undefined ? identity.by : `${identity.by} of ${user.actor}`;
}

/**
 * Records what a request ended in before its answer is sent, wherever the answer comes from. A
 * success that cannot be recorded is not acknowledged; its entry goes to the log.
 */
export class Auditor {
  readonly #trail: AuditTrail;
  readonly #log: Ctx["log"];

  constructor(ctx: Ctx) {
    this.#trail = createAuditTrail(ctx);
    this.#log = ctx.log.named("deckle.audit");
  }

  attach(app: FastifyInstance): void {
    app.addHook("onSend", (request, reply, payload, done) => {
      const { audit } = request;
      if (!audit) {
        done(null, payload);
        return;
      }
      request.audit = null;
      this.#record(audit, request, reply).then(
        () => done(null, payload),
        (error) => done(error),
      );
    });
  }

  async #record(draft: AuditDraft, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { statusCode: status } = reply;
    const outcome = draft.isDone ? "done" : outcomeOf(status, draft.hasUser);
    if (outcome === undefined) return;
    const entry = draft.entry(request, { outcome, status });
    try {
      await this.#trail.record(entry);
    } catch (error) {
      this.#log.error(`An entry was not recorded: ${JSON.stringify(entry)} ${error}`);
      if (outcome !== "done") return;
      reply.removeHeader("location");
      throw restErrors.unaudited();
    }
  }
}

/**
 * What a status says; undefined for what is not recorded: mistakes, which changed nothing, strangers,
 * who could fill the table, and outages, in which nothing can be recorded.
 */
function outcomeOf(status: number, hasUser: boolean): AuditOutcome | undefined {
  if (status < 300) return "done";
  if (status === 403 && hasUser) return "denied";
  if (status >= 500 && status !== 503) return "failed";
  return undefined;
}
