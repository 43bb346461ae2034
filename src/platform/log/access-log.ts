import { createWriteStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import { type AccessRecord, compileAccessFormat } from "./access-format.ts";
import { jsonAccessLine } from "./access-json.ts";

/** Lines wait at most this long, or until so many bytes are there. */
const FLUSH_MS = 250;
const FLUSH_BYTES = 16_384;
/** Lines beyond this are dropped while the reader of the log does not keep up. */
const LIMIT_BYTES = 4_194_304;

/** The default lines of the two servers (core-tasks-ops §19.2). */
export const API_ACCESS_FORMAT =
  'pulp [%({correlation-id}o)s]: %(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"';
export const CONTENT_ACCESS_FORMAT = '%a %t "%r" %s %b "%{Referer}i" "%{User-Agent}i"';

/** The lines of the hosted service, which its dashboards and exports take apart (service §13). */
export const SERVICE_API_ACCESS_FORMAT =
  'pulp [%({correlation-id}o)s]: %(h)s %(l)s user:%({REMOTE_USER}e)s org_id:%({ORG_ID}e)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %(M)s x_forwarded_for:"%({X-Forwarded-For}i)s"';
export const SERVICE_CONTENT_ACCESS_FORMAT =
  '%a %t "%r" %s %b "%{Referer}i" "%{User-Agent}i" cache:"%{X-PULP-CACHE}o" artifact_size:"%{X-PULP-ARTIFACT-SIZE}o" rh_org_id:"%{X-RH-ORG-ID}o" x_forwarded_for:"%{X-Forwarded-For}i" request_time:"%Tf"';

/** The templates of a server by the setting `ACCESS_LOG_TEMPLATE`. */
export const ACCESS_FORMATS = {
  api: { standard: API_ACCESS_FORMAT, service: SERVICE_API_ACCESS_FORMAT },
  content: { standard: CONTENT_ACCESS_FORMAT, service: SERVICE_CONTENT_ACCESS_FORMAT },
} as const;

/** Stands for lines that are objects. */
export const JSON_FORMAT = "json";

/** What the server knows and the sockets do not tell. */
export interface AccessFacts {
  /** Client address after trusted proxies; the socket's when left out. */
  readonly address?: string;
  readonly user?: string;
  /** Values of `%({name}e)s`. */
  readonly environment?: (name: string) => string | undefined;
}

export interface AccessLog extends AsyncDisposable {
  /** Writes one line when the response is over, also when the client left early. */
  observe(request: IncomingMessage, response: ServerResponse, facts?: () => AccessFacts): void;
}

/**
 * Opens an access log.
 *
 * @param target `-` is standard output, anything else a file that is appended to
 * @param format of the lines; `json` is an object on each
 * @throws if the format holds an unknown token
 */
export function openAccessLog(target: string, format: string): AccessLog {
  const line = format === JSON_FORMAT ? jsonAccessLine : compileAccessFormat(format);
  const lines = new BufferedLines(target === "-" ? process.stdout : appended(target));
  return {
    observe(request, response, facts = () => ({})) {
      const startedAt = new Date();
      const start = performance.now();
      const { socket } = request;
      const sentBefore = socket.bytesWritten;
      response.once("close", () => {
        const durationMs = performance.now() - start;
        const sentBytes = socket.bytesWritten - sentBefore;
        lines.add(
          line(record({ request, response, startedAt, durationMs, sentBytes, facts: facts() })),
        );
      });
    },
    [Symbol.asyncDispose]: () => lines.end(),
  };
}

interface Finished {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** Head and body. */
  readonly sentBytes: number;
  readonly facts: AccessFacts;
}

function record(finished: Finished): AccessRecord {
  const { request, response, startedAt, durationMs, facts } = finished;
  const url = request.url ?? "/";
  const query = url.indexOf("?");
  const head = sentHead(response);
  return {
    address: facts.address ?? request.socket.remoteAddress ?? "-",
    port: request.socket.remotePort ?? 0,
    user: facts.user ?? "-",
    method: request.method ?? "-",
    path: query < 0 ? url : url.slice(0, query),
    query: query < 0 ? "" : url.slice(query + 1),
    url,
    protocol: `HTTP/${request.httpVersion}`,
    status: response.statusCode,
    bytes: Math.max(0, finished.sentBytes - Buffer.byteLength(head, "latin1")),
    startedAt,
    durationMs,
    requestHeader: (name) => joined(request.headers[name]),
    responseHeader: (name) => joined(response.getHeader(name)) ?? headerOf(head, name),
    environment: facts.environment ?? none,
  };
}

/** The head as it went out: `getHeader` does not know what was given to `writeHead` directly. */
const sentHead = (response: ServerResponse): string =>
  (response as ServerResponse & { readonly _header?: string | null })._header ?? "";

function headerOf(head: string, name: string): string | undefined {
  const start = `${name}: `;
  const line = head.split("\r\n").find((text) => text.toLowerCase().startsWith(start));
  return line?.slice(start.length);
}

const none = (): undefined => undefined;

const joined = (value: number | string | readonly string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(", ") : value?.toString();

function appended(file: string): Writable {
  return createWriteStream(file, { flags: "a", mode: 0o640 });
}

/** Many lines in one write, since one write per request costs more than the request. */
class BufferedLines {
  readonly #target: Writable;
  #lines: string[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(target: Writable) {
    this.#target = target;
  }

  add(line: string): void {
    if (this.#bytes > LIMIT_BYTES) return;
    this.#lines.push(line);
    this.#bytes += line.length + 1;
    if (this.#bytes >= FLUSH_BYTES) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref();
  }

  async end(): Promise<void> {
    this.#flush();
    if (this.#target === process.stdout) return;
    await new Promise<void>((resolve) => this.#target.end(resolve));
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length === 0 || this.#target.writableNeedDrain) return;
    this.#target.write(`${this.#lines.join("\n")}\n`);
    this.#lines = [];
    this.#bytes = 0;
  }
}
