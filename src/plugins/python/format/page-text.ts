import { TextDecoder } from "node:util";
import { Malformed } from "./malformed.ts";

/** The answer of an upstream that is to be read. */
export interface PageSource {
  readonly body: AsyncIterable<Buffer>;
  /** Header of the answer. */
  readonly contentType: string | undefined;
  /** That answered, after redirects: relative links begin there. */
  readonly url: string;
  /** More decoded bytes than this are refused. */
  readonly maxBytes: number;
}

/**
 * The text of an answer, in pieces as they come.
 *
 * @throws `Malformed` beyond the cap.
 */
export async function* decoded({
  body,
  contentType,
  maxBytes,
}: PageSource): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Malformed(`the page has more than ${maxBytes} bytes`);
    decoder ??= decoderOf(contentType, chunk);
    const text = decoder.decode(chunk, { stream: true });
    if (text !== "") yield text;
  }
  const rest = decoder?.decode() ?? "";
  if (rest !== "") yield rest;
}

/** By the header, else as the first bytes say, else UTF-8; names that nobody knows are UTF-8 too. */
function decoderOf(contentType: string | undefined, start: Buffer): TextDecoder {
  const told = /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType ?? "")?.[1];
  const meta = /<meta[^>]{1,200}charset\s*=\s*["']?([\w.:-]+)/i;
  const label = told ?? meta.exec(start.toString("latin1", 0, 1024))?.[1] ?? "utf-8";
  try {
    return new TextDecoder(label);
  } catch {
    return new TextDecoder("utf-8");
  }
}
