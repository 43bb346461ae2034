import type { Http, HttpOptions } from "#platform/http/http.ts";
import type { Log } from "#platform/log/log.ts";

/** What is shorter is a word that stands in texts for other reasons. */
const SHORTEST = 6;
const MASK = "***";

/** More are forgotten, the oldest first: a process that serves many remotes learns on and on. */
const MOST = 2000;

/**
 * The credentials that a task or a process uses, kept out of what it says: an upstream may send them
 * back in a status line, a redirect or a file, which then stands in errors and logs, and more people
 * read those than may see the remote.
 */
export class Redaction {
  readonly #secrets = new Set<string>();

  /** The text without the credentials, plain, in Base64 of Basic, or percent-encoded. */
  readonly mask = (text: string): string => {
    let masked = text;
    for (const secret of this.#secrets) masked = masked.replaceAll(secret, MASK);
    return masked;
  };

  /** Learns the credentials of each client that is made. */
  http(http: Http): Http {
    return {
      client: (options) => {
        this.#learn(options);
        return http.client(options);
      },
      allowsFile: (path) => http.allowsFile(path),
    };
  }

  log(log: Log): Log {
    const { mask } = this;
    return {
      debug: (message, facts) => log.debug(mask(message), facts),
      info: (message, facts) => log.info(mask(message), facts),
      warn: (message, facts) => log.warn(mask(message), facts),
      error: (message, facts) => log.error(mask(message), facts),
      unhandled: (error, where) => log.unhandled(this.#masked(error), where),
      named: (logger) => this.log(log.named(logger)),
      of: (correlationId) => this.log(log.of(correlationId)),
    };
  }

  #masked(error: unknown): unknown {
    if (!(error instanceof Error)) return this.mask(String(error));
    const copy = new Error(this.mask(error.message));
    copy.name = error.name;
    if (error.stack !== undefined) copy.stack = this.mask(error.stack);
    return copy;
  }

  #learn({ basicAuth, proxy, clientKey, headers }: HttpOptions): void {
    const pairs = [basicAuth, proxy].flatMap((found) => (found?.username ? [found] : []));
    const texts = [
      // The longest forms first, so that none is left in part.
      ...pairs.map(({ username, password = "" }) => `${username}:${password}`).map(toBase64),
      clientKey,
      ...pairs.flatMap(({ username, password }) => [password, username]),
      ...headers.map(([, value]) => value),
    ];
    for (const text of texts) {
      if (text === undefined || text.length < SHORTEST) continue;
      this.#secrets.add(text).add(encodeURIComponent(text));
    }
    for (const oldest of this.#secrets) {
      if (this.#secrets.size <= MOST) break;
      this.#secrets.delete(oldest);
    }
  }
}

const toBase64 = (text: string): string => Buffer.from(text).toString("base64");
