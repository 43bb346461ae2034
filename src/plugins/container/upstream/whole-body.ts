import type { RemoteSession } from "#sdk";
import { upstreamErrors } from "./errors.ts";

export type UpstreamAnswer = Awaited<ReturnType<RemoteSession["get"]>>;

/** @throws `upstreamErrors.tooLarge`, or why the body broke off. */
export async function wholeBody(
  { body, url }: Pick<UpstreamAnswer, "body" | "url">,
  mostBytes: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw upstreamErrors.tooLarge(shown(url), mostBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Queries may carry signatures, which belong into no message. */
export const shown = (url: string): string => url.split("?")[0] ?? "";
