import type { Readable } from "node:stream";
import { Malformed } from "../format/malformed.ts";

/** @throws `Malformed` for a body of more bytes than that. */
export async function wholeBody(body: Readable, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Malformed(`it has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
