import type { IncomingMessage, ServerResponse } from "node:http";
import { Server as Listener } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Called after each response, complete or not. */
export type OnAnswered = (
  request: IncomingMessage,
  response: ServerResponse,
  elapsedMs: number,
) => void;

/**
 * Ends a server so that no client loses a request: whoever has a connection is told with the next
 * answer that it ends, and an idle one is left alone for a while, since a request may be on its way.
 */
export class Drain {
  readonly #open = new Set<ServerResponse>();
  readonly #onAnswered: OnAnswered;
  #isEnding = false;

  constructor(onAnswered: OnAnswered = () => {}) {
    this.#onAnswered = onAnswered;
  }

  /** Sees each request before it is answered. */
  observe(request: IncomingMessage, response: ServerResponse): void {
    if (this.#isEnding) response.shouldKeepAlive = false;
    this.#open.add(response);
    const began = performance.now();
    // One listener for whoever wants to know, and it is called once: each more costs every request.
    response.on("close", () => {
      this.#open.delete(response);
      this.#onAnswered(request, response, performance.now() - began);
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
