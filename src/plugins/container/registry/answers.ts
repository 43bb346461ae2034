import type { OutgoingHttpHeaders } from "node:http";
import { type RegistryError, registryErrors } from "./errors.ts";
import type { Registry } from "./registry.ts";
import type { Answer, Exchange, Visit } from "./visit.ts";

/** Of every answer (plugin-container §7.1). */
export const STANDARD_HEADERS = {
  "Docker-Distribution-Api-Version": "registry/2.0",
  "X-Registry-Supports-Signatures": "1",
} as const;

type Sent = Pick<Visit, "exchange">;

/** An answer without a body. */
export function sendEmpty(
  { exchange }: Sent,
  status: number,
  headers: OutgoingHttpHeaders = {},
): void {
  const length = status === 204 || status === 304 ? {} : { "Content-Length": 0 };
  exchange.response
    .writeHead(status, {
      ...STANDARD_HEADERS,
      ...length,
      ...headers,
      "Correlation-ID": exchange.correlationId,
    })
    .end();
}

/** Bytes with their exact type: no parameters are added (plugin-container §7.1). */
export function sendBytes(
  { exchange }: Sent,
  body: Buffer,
  { status = 200, headers }: { readonly status?: number; readonly headers: OutgoingHttpHeaders },
): void {
  exchange.response.writeHead(status, {
    ...STANDARD_HEADERS,
    ...headers,
    "Content-Length": body.length,
    "Correlation-ID": exchange.correlationId,
  });
  exchange.response.end(exchange.isHead ? undefined : body);
}

export const sendJson = (
  visit: Sent,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
  status = 200,
): void =>
  sendBytes(visit, Buffer.from(JSON.stringify(value)), {
    status,
    headers: { "Content-Type": "application/json", ...headers },
  });

/** A manifest or a blob, as its conditions and its range ask for it. */
export const sendAnswer = (
  { tools }: Pick<Registry, "tools">,
  exchange: Exchange,
  answer: Answer,
): undefined | Promise<void> =>
  tools.sender.send(exchange, answer, {
    unsatisfiable: (contentRange) =>
      sendProblem({ exchange }, registryErrors.rangeUnsatisfiable(contentRange)),
    blocked: () => sendProblem({ exchange }, registryErrors.infected()),
  });

/** The envelope of errors. */
export const sendProblem = (visit: Sent, { status, problems, headers }: RegistryError): void =>
  sendJson(
    visit,
    { errors: problems.map(({ code, message, detail = {} }) => ({ code, message, detail })) },
    headers,
    status,
  );
