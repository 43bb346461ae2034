import type { Readable } from "node:stream";
import { Transform } from "node:stream";
import { storageErrors } from "../errors.ts";
import { drop, type Registry } from "./registry.ts";
import { requireStatus } from "./upload.ts";

export interface BlobRange {
  readonly digest: string;
  /** Name for errors. */
  readonly object: string;
  /** Both inclusive. */
  readonly start: number;
  readonly end: number;
  readonly signal: AbortSignal;
}

/** Bytes of a blob, also from a registry that knows no ranges. */
export async function readBlob(
  registry: Registry,
  { digest, object, start, end, signal }: BlobRange,
): Promise<Readable> {
  const { status, body } = await registry.send({
    ...{ method: "GET", path: `blobs/${digest}`, access: "pull", follows: true, signal },
    headers: { range: `bytes=${start}-${end}` },
  });
  if (status === 206) return body;
  if (status === 200) return part(body, start, end);
  drop({ body });
  if (status === 404) throw storageErrors.missing(object);
  requireStatus(status, []);
  return body;
}

/** Bytes `start` to `end` of a whole. */
function part(whole: Readable, start: number, end: number): Readable {
  let at = 0;
  const cut = new Transform({
    transform(piece: Buffer, _encoding, done) {
      const from = Math.max(0, start - at);
      const to = Math.max(from, end + 1 - at);
      at += piece.length;
      done(null, piece.subarray(from, to));
      if (at > end) {
        whole.unpipe(cut);
        whole.destroy();
        cut.end();
      }
    },
  });
  whole.on("error", (error) => cut.destroy(error));
  cut.on("close", () => whole.destroy());
  return whole.pipe(cut);
}
