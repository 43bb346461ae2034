import type { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import { CodedError, ValidationError } from "#base/errors.ts";
import type { Json } from "#base/json.ts";
import { isOutage } from "#base/outage.ts";
import type { Ctx } from "#core/ctx.ts";
import type { Call } from "./call.ts";
import { present, rowHref, selectionFor } from "./present.ts";
import { readRow } from "./read.ts";
import type { Outcome, Resource } from "./resource.ts";
import { restErrors } from "./rest-errors.ts";
import { href } from "./view.ts";
import { detailFields } from "./write.ts";

/** The literal value matters: the CLI looks it up in the description (core-rest §1.7). */
const JSON_TYPE = "application/json";

export const sendJson = (reply: FastifyReply, status: number, body: Json): FastifyReply =>
  sendText(reply, status, JSON.stringify(body));

/** Texts go out as bytes: to a text the framework would add a charset to its type. */
export const sendText = (
  reply: FastifyReply,
  status: number,
  body: string | Readable,
): FastifyReply =>
  reply
    .code(status)
    .header("content-type", JSON_TYPE)
    .send(typeof body === "string" ? Buffer.from(body) : body);

/** Writes what a request ended in. */
export async function sendOutcome(
  call: Call,
  outcome: Outcome,
  resource?: Resource,
  parent?: string,
): Promise<FastifyReply> {
  const { reply, view } = call;
  const { audit } = call.request;
  switch (outcome.kind) {
    case "task":
      audit?.dispatched({ task: outcome.task });
      return sendJson(reply, outcome.status ?? 202, {
        ...outcome.told,
        task: href(view, `tasks/${outcome.task}/`),
      });
    case "task_group":
      audit?.dispatched({ taskGroup: outcome.group });
      return sendJson(reply, 202, { task_group: href(view, `task-groups/${outcome.group}/`) });
    case "json":
      return sendJson(reply, outcome.status, outcome.body);
    case "stream":
      return reply.code(200).header("content-type", outcome.type).send(outcome.body);
    case "empty":
      return reply.code(outcome.status).header("content-length", "0").send();
    case "object": {
      const shown = outcome.of === undefined ? resource : view.api.byPath(outcome.of);
      if (!shown) throw new Error("An object needs its resource.");
      const row = await readRow(shown, call, {
        key: String(outcome.id),
        ...(parent === undefined ? {} : { parent }),
      });
      audit?.found(shown, row);
      if (outcome.status === 201) reply.header("location", rowHref(shown, row, view));
      return sendJson(reply, outcome.status, {
        ...present(shown, row, { view }),
        ...outcome.told,
      });
    }
    default:
      return outcome satisfies never;
  }
}

/** One object by its href. */
export function sendRow(
  call: Call,
  resource: Resource,
  row: Parameters<typeof present>[1],
): FastifyReply {
  const selection = selectionFor(resource, call.query);
  const fields = detailFields(resource);
  return sendJson(call.reply, 200, present(resource, row, { view: call.view, selection, fields }));
}

interface AnyError {
  readonly code?: string;
  readonly statusCode?: number;
  readonly message?: string;
  readonly constraint?: string;
}

/** Turns whatever was thrown into an answer; only what nobody foresaw is a 500, and it is logged. */
export function sendError(reply: FastifyReply, error: unknown, log: Ctx["log"]): FastifyReply {
  const { status, body, headers = {} } = describeError(error, log, domainOf(reply));
  for (const [name, value] of Object.entries(headers)) reply.header(name, value);
  if (status !== 401) return sendJson(reply, status, body);
  const { challenge } = reply.request;
  // A 401 has to say how to log in; where that cannot be said it is a 403 (service §3).
  if (challenge === undefined) return sendJson(reply, 403, body);
  return sendJson(reply.header("www-authenticate", challenge), 401, body);
}

/** The domain that the address names. */
const domainOf = ({ request }: FastifyReply): string | undefined =>
  (request.params as { readonly pulp_domain?: string } | undefined)?.pulp_domain;

interface ErrorAnswer {
  readonly status: number;
  readonly body: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an error means to a client; one that nobody foresaw is logged. */
export function describeError(error: unknown, log: Ctx["log"], domain?: string): ErrorAnswer {
  if (error instanceof ValidationError) return { status: 400, body: error.detail as Json };
  if (error instanceof CodedError) {
    return { status: error.status, body: { detail: error.message }, headers: headersOf(error) };
  }
  const { code, statusCode, message, constraint } = (error ?? {}) as AnyError;
  if (isOutage(error)) {
    log.warn(`Database: ${message}`);
    const { spec } = restErrors.database;
    return {
      status: spec.status,
      body: { detail: spec.message() },
      headers: { "retry-after": "2" },
    };
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, body: { detail: message ?? "Bad request." } };
  }
  if (code === "23503" && /_domain(_fkey)?$/.test(constraint ?? "")) {
    // The domain was deleted between the look at it and the write.
    return { status: 404, body: { detail: restErrors.notFound.spec.message() } };
  }
  if (code === "22021" || code === "22P05") {
    return { status: 400, body: { detail: "Null characters are not allowed." } };
  }
  log.unhandled(error, { place: "api", ...(domain === undefined ? {} : { domain }) });
  const { spec } = restErrors.internal;
  return { status: spec.status, body: { detail: spec.message() } };
}

function headersOf(error: CodedError): Readonly<Record<string, string>> {
  if (error.status === 429) return { "retry-after": /\d+/.exec(error.message)?.[0] ?? "60" };
  return {};
}
