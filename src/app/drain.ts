import type { IncomingMessage, ServerResponse } from "node:http";
import { Server as Listener } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Ends a server so that no client loses a request: whoever has a connection is told with the next
 * answer that it ends, and an idle one is left alone for a while, since a request may be on its way.
 */
export class Drain {
  readonly #open = new Set<ServerResponse>();
  readonly #onAnswered: () => void;
  #isEnding = false;

  /** @param onAnswered called after each response, complete or not */
  constructor(onAnswered: () => void = () => {}) {
    this.#onAnswered = onAnswered;
  }

  /** Sees each request before it is answered. */
  observe(_request: IncomingMessage, response: ServerResponse): void {
    if (this.#isEnding) response.shouldKeepAlive = false;
    this.#open.add(response);
    response.once("close", () => {
      this.#open.delete(response);
      this.#onAnswered();
    });
  }

  /** Takes no new connections; resolves when the old ones are over, or the time is. */
  async begin(servers: readonly Listener[], lingerMs: number): Promise<void> {
    this.#isEnding = true;
    for (const response of this.#open) {
      if (!response.headersSent) response.shouldKeepAlive = false;
    }
    // The close of an HTTP server would end its idle connections at once.
    const closed = servers.map(
      (server) => new Promise((resolve) => Listener.prototype.close.call(server, resolve)),
    );
    const over = new AbortController();
    const late = sleep(lingerMs, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([Promise.all(closed), late]);
    over.abort();
  }
}
