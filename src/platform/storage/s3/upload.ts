import { createHash } from "node:crypto";
import type { CompletedPart } from "@aws-sdk/client-s3";
import { storageErrors } from "../errors.ts";
import type { IncomingFile, SealedFile } from "../storage.ts";
import type { S3Connection } from "./client.ts";
import type { S3Options } from "./options.ts";

/** S3 takes no more parts. */
const MOST_PARTS = 10_000;

export interface Upload {
  readonly connection: S3Connection;
  readonly options: S3Options;
  readonly key: string;
  readonly file: IncomingFile;
  readonly sealed: SealedFile;
}

/**
 * Puts the bytes of a sealed file under a key. The store is told what they must hash to, and asked
 * afterwards what it has, before anybody counts on them (reliability F19).
 */
export async function upload(work: Upload): Promise<void> {
  const { thresholdBytes } = work.options.multipart;
  if (work.sealed.sizeBytes < Math.max(thresholdBytes, 1)) await putWhole(work);
  else await putParts(work);
  await requireThere(work);
}

const parametersOf = ({ options, key, sealed }: Upload) => ({
  ...options.uploadParameters,
  ...(options.acl === undefined ? {} : { ACL: options.acl as "private" }),
  Bucket: options.bucket,
  Key: key,
  Metadata: { sha256: sealed.digests.sha256 },
});

async function putWhole(work: Upload): Promise<void> {
  const { sdk, client } = work.connection;
  const { sizeBytes, digests } = work.sealed;
  const command = new sdk.PutObjectCommand({
    ...parametersOf(work),
    Body: await exactly(work.file, 0, sizeBytes),
    ContentLength: sizeBytes,
    ChecksumSHA256: Buffer.from(digests.sha256, "hex").toString("base64"),
  });
  await client.send(command);
}

async function putParts(work: Upload): Promise<void> {
  const { sdk, client } = work.connection;
  const { Bucket, Key, ...rest } = parametersOf(work);
  const begun = new sdk.CreateMultipartUploadCommand({ Bucket, Key, ...rest });
  const { UploadId } = await client.send(begun);
  if (UploadId === undefined) throw storageErrors.unavailable("no upload id");
  try {
    const MultipartUpload = { Parts: await allParts(work, UploadId) };
    const parts = { Bucket, Key, UploadId, MultipartUpload };
    await client.send(new sdk.CompleteMultipartUploadCommand(parts));
  } catch (error) {
    // What is left behind costs money. The failure that led here is the one to tell.
    const parts = { Bucket, Key, UploadId };
    await client.send(new sdk.AbortMultipartUploadCommand(parts)).catch(() => undefined);
    throw error;
  }
}

/** As many parts at once as the options say, each in memory while it is sent. */
async function allParts(work: Upload, uploadId: string): Promise<CompletedPart[]> {
  const { partBytes: wanted, concurrency } = work.options.multipart;
  const { sizeBytes } = work.sealed;
  const partBytes = Math.max(wanted, Math.ceil(sizeBytes / MOST_PARTS));
  const count = Math.ceil(sizeBytes / partBytes);
  const done: CompletedPart[] = [];
  let next = 0;
  const sendSome = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      const start = index * partBytes;
      const bytes = await exactly(work.file, start, Math.min(partBytes, sizeBytes - start));
      done[index] = await onePart(work, { uploadId, number: index + 1, bytes });
    }
  };
  const crews = Array.from({ length: Math.min(count, concurrency) }, () =>
    sendSome().catch((error) => {
      next = count;
      throw error;
    }),
  );
  const outcomes = await Promise.allSettled(crews);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed) throw failed.reason;
  return done;
}

async function onePart(
  { connection: { sdk, client }, options, key }: Upload,
  part: { readonly uploadId: string; readonly number: number; readonly bytes: Buffer },
): Promise<CompletedPart> {
  const { uploadId: UploadId, number: PartNumber, bytes } = part;
  const ContentMD5 = createHash("md5").update(bytes).digest("base64");
  const { ETag } = await client.send(
    new sdk.UploadPartCommand({
      ...{ Bucket: options.bucket, Key: key, UploadId, PartNumber, ContentMD5 },
      ...{ Body: bytes, ContentLength: bytes.length },
    }),
  );
  return { ETag, PartNumber };
}

/** The incoming file may give less at a time. */
async function exactly(file: IncomingFile, start: number, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < length; ) {
    const piece = await file.read(start + at, length - at);
    if (piece.length === 0) throw storageErrors.unavailable("the incoming file is cut off");
    pieces.push(piece);
    at += piece.length;
  }
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
}

async function requireThere({ connection, options, key, sealed }: Upload): Promise<void> {
  const { sdk, client } = connection;
  const { ContentLength } = await client.send(
    new sdk.HeadObjectCommand({ Bucket: options.bucket, Key: key }),
  );
  if (ContentLength !== sealed.sizeBytes)
    throw storageErrors.unavailable(`${ContentLength} of ${sealed.sizeBytes} bytes arrived`);
}
