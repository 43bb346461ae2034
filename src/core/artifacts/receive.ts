import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { IncomingFile, SealedFile } from "#platform/storage/storage.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { artifactErrors } from "./errors.ts";
import { checkExpected } from "./rules.ts";
import type { ReceivedFile, ReceiveOptions } from "./types.ts";

/**
 * Takes a body into the store's incoming area: hashed and durable, but an artifact only when it is
 * saved.
 *
 * @throws ValidationError (400) when size or digests are not the expected ones; `tooLarge` (413);
 *   507 when the store is full. Nothing is left behind.
 */
export async function receiveFile(
  ctx: Pick<Ctx, "storage">,
  domain: DomainRef,
  body: Readable | AsyncIterable<Uint8Array>,
  options: ReceiveOptions = {},
): Promise<ReceivedFile> {
  const file = await ctx.storage(domain).beginFile();
  try {
    await pour(body, file, options);
    const sealed = await file.seal();
    checkExpected(sealed, options);
    return new Received(file, sealed, options.filename);
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

async function pour(
  body: Readable | AsyncIterable<Uint8Array>,
  file: IncomingFile,
  { limitBytes, signal }: ReceiveOptions,
): Promise<void> {
  const options = signal ? { signal } : {};
  if (limitBytes === undefined) await pipeline(body, file.sink, options);
  else await pipeline(body, atMost(limitBytes), file.sink, options);
}

function atMost(limitBytes: number): Transform {
  let got = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      got += chunk.length;
      if (got > limitBytes) done(artifactErrors.tooLarge(limitBytes));
      else done(null, chunk);
    },
  });
}

class Received implements ReceivedFile {
  readonly file: IncomingFile;
  readonly sealed: SealedFile;
  readonly filename?: string;

  constructor(file: IncomingFile, sealed: SealedFile, filename: string | undefined) {
    this.file = file;
    this.sealed = sealed;
    if (filename !== undefined) this.filename = filename;
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.file[Symbol.asyncDispose]();
  }
}
