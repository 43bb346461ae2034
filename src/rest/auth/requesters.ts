import type { IncomingMessage } from "node:http";

/** On the request itself: a weak map of requests costs the collector more than the requests do. */
const NAME = Symbol("requester");
type WithName = { [NAME]?: string };

/** For the access log, which knows only the sockets. */
export function rememberRequester(request: IncomingMessage, name: string): void {
  (request as WithName)[NAME] = name;
}

/** Name of the user that a request was recognised as. */
export const requesterOf = (request: IncomingMessage): string | undefined =>
  (request as WithName)[NAME];
