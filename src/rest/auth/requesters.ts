import type { IncomingMessage } from "node:http";

const names = new WeakMap<IncomingMessage, string>();

/** For the access log, which knows only the sockets. */
export function rememberRequester(request: IncomingMessage, name: string): void {
  names.set(request, name);
}

/** Name of the user that a request was recognised as. */
export const requesterOf = (request: IncomingMessage): string | undefined => names.get(request);
