import { Malformed } from "./malformed.ts";
import type { Schema1 } from "./shapes.ts";

/**
 * The bytes of a schema 1 manifest that its digest is over: without the signature that was put
 * before its end.
 *
 * @throws Malformed if the signature does not say where that is.
 * @see plugin-container §2.5
 */
export function unsignedBytes(bytes: Buffer, { signatures }: Schema1): Buffer {
  const [first] = signatures ?? [];
  if (!first) return bytes;
  const { formatLength, formatTail } = protectedHeader(first.protected);
  if (formatLength > bytes.length) throw broken("formatLength is beyond the end");
  return Buffer.concat([bytes.subarray(0, formatLength), formatTail]);
}

function protectedHeader(text: string): { formatLength: number; formatTail: Buffer } {
  let header: unknown;
  try {
    header = JSON.parse(unpadded(text).toString("utf8"));
  } catch (error) {
    throw error instanceof Malformed ? error : broken("no JSON");
  }
  const { formatLength, formatTail } = Object(header) as Record<string, unknown>;
  if (!Number.isSafeInteger(formatLength) || Number(formatLength) < 0)
    throw broken("no formatLength");
  if (typeof formatTail !== "string") throw broken("no formatTail");
  return { formatLength: Number(formatLength), formatTail: unpadded(formatTail) };
}

/** Base64 for addresses, without padding. */
function unpadded(text: string): Buffer {
  const bare = text.replace(/[ \n]/g, "");
  if (bare.length % 4 === 1 || !/^[A-Za-z0-9_-]*={0,2}$/.test(bare)) throw broken("no base64");
  return Buffer.from(bare, "base64url");
}

const broken = (reason: string) => new Malformed(`signatures.0.protected: ${reason}`);
