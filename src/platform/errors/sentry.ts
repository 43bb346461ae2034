import {
  type BaseTransportOptions,
  createStackParser,
  createTransport,
  Scope,
  type Transport,
} from "@sentry/core";
import { nodeStackLineParser, ServerRuntimeClient } from "@sentry/core/server";
import type { ErrorTracker, ErrorTrackerOptions } from "./error-tracker.ts";

/** Reports that wait to be sent; more are dropped. */
const MAX_WAITING = 64;
const SEND_MS = 5000;
const FLUSH_MS = 2000;

/**
 * Reports carry the error, its frames and where it happened: no headers, no bodies, no variables and
 * no addresses of clients, since nothing but what is given here is gathered.
 */
export function createErrorTracker(options: ErrorTrackerOptions): ErrorTracker {
  const { dsn, release, environment, role } = options;
  const client = new ServerRuntimeClient({
    ...{ dsn, release, integrations: [] },
    ...(environment ? { environment } : {}),
    platform: "node",
    runtime: { name: "node", version: process.version },
    stackParser: createStackParser(nodeStackLineParser()),
    transport: (transport) => httpTransport(transport, options.onTrouble),
    // One report each is what people count.
    sendClientReports: false,
    traceLifecycle: "static",
  });
  client.init();
  const flush = async () => void (await client.flush(FLUSH_MS));
  return {
    capture(error, { correlationId, domain, task, place }) {
      const scope = new Scope();
      const tags = { role, correlation_id: correlationId, domain, task_id: task, place };
      const known = Object.entries(tags).filter(([, value]) => value !== undefined);
      scope.setTags(Object.fromEntries(known));
      client.captureException(withoutCredentials(error), {}, scope);
    },
    flush,
    [Symbol.asyncDispose]: flush,
  };
}

function httpTransport(
  options: BaseTransportOptions & { readonly url: string },
  onTrouble: (message: string) => void,
): Transport {
  let isTold = false;
  return createTransport({ ...options, bufferSize: MAX_WAITING }, async ({ body }) => {
    try {
      const answer = await fetch(options.url, {
        method: "POST",
        body: body as Uint8Array<ArrayBuffer> | string,
        headers: { "content-type": "application/x-sentry-envelope" },
        signal: AbortSignal.timeout(SEND_MS),
      });
      await answer.arrayBuffer();
      return {
        statusCode: answer.status,
        headers: {
          "x-sentry-rate-limits": answer.headers.get("x-sentry-rate-limits"),
          "retry-after": answer.headers.get("retry-after"),
        },
      };
    } catch (error) {
      if (!isTold) onTrouble(`A report of an error was not sent: ${(error as Error).message}`);
      isTold = true;
      return {};
    }
  });
}

/** The user part of addresses, and what follows the names of schemes. */
const CREDENTIALS = /(?<=:\/\/)[^\s/@]*@|(?<=\b(?:basic|bearer)\s)[\w.~+/=-]+/gi;

function withoutCredentials(error: unknown): unknown {
  const clean = (text: string) => text.replaceAll(CREDENTIALS, "***");
  if (!(error instanceof Error)) return new Error(clean(String(error)));
  const copy = new Error(clean(error.message));
  copy.name = error.name;
  if (error.stack !== undefined) copy.stack = clean(error.stack);
  return copy;
}
