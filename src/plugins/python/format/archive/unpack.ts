import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { Malformed } from "../malformed.ts";
import { type ByteSource, piecesOf } from "./byte-source.ts";

/**
 * Unpacks gzip in pieces; whoever stops early stops the reading, too.
 *
 * @throws `Malformed` if the stream is cut off or broken, or if something else follows it.
 */
export async function* gunzipped(source: ByteSource): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 64 * 1024 });
  // Its errors arrive through the last stream, too.
  const feeding = pipeline(Readable.from(piecesOf(source)), gunzip).catch(() => undefined);
  try {
    for await (const piece of gunzip) yield piece;
    if (gunzip.bytesWritten !== source.sizeBytes)
      throw new Malformed("Something else follows the gzip stream.");
  } catch (error) {
    throw isOfZlib(error) ? new Malformed(brokenText(error), { cause: error }) : error;
  } finally {
    gunzip.destroy();
    await feeding;
  }
}

const isOfZlib = (error: unknown): error is Error =>
  error instanceof Error && "code" in error && String(error.code).startsWith("Z_");

const brokenText = (error: Error): string => `The gzip stream is broken: ${error.message}.`;
