import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/** Requests whose list has the address already. */
const known = new WeakSet<IncomingMessage>();

/** An edge tells the client's address in a header of its own: it becomes the first of the list. */
export function prependTrueClient(request: IncomingMessage): void {
  const { headers } = request;
  const address = headers["true-client-ip"];
  if (typeof address !== "string" || isIP(address) === 0 || known.has(request)) return;
  known.add(request);
  const before = headers["x-forwarded-for"]?.toString() ?? "";
  headers["x-forwarded-for"] = before === "" ? address : `${address}, ${before}`;
}
