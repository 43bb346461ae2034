import type { IncomingMessage } from "node:http";

const MAX_BYTES = 65_536;
const TYPE = /^application\/x-www-form-urlencoded(?:\s*;|$)/i;

/** Fields of a form in a body of at most 64 KiB; undefined if it is no such form. */
export async function formOf(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  if (!TYPE.test(request.headers["content-type"] ?? "")) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
