import { createHash } from "node:crypto";
import type { CompletedPart } from "@aws-sdk/client-s3";
import { storageErrors } from "../errors.ts";
import { exactly, inParts } from "../remote-upload.ts";
import type { SealedFile, WrittenFile } from "../storage.ts";
import type { S3Connection } from "./client.ts";
import { isAbsent, isTaken, isUnknown } from "./errors.ts";
import type { Marks } from "./marks.ts";
import type { S3Options } from "./options.ts";

/** S3 takes no more parts. */
const MOST_PARTS = 10_000;

export interface Upload {
  readonly connection: S3Connection;
  readonly options: S3Options;
  readonly key: string;
  readonly file: WrittenFile;
  readonly sealed: SealedFile;
  /** Metadata of the object in place of its bare digest. */
  readonly marks?: Marks;
  /** An object that is there already and is ours stays as it is. */
  readonly isNew?: boolean;
}

/**
 * Puts the bytes of a sealed file under a key. The store is told what they must hash to, and asked
 * afterwards what it has, before anybody counts on them (reliability F19).
 */
export async function upload(work: Upload): Promise<void> {
  if (!work.isNew || !(await createdOrThere(work))) await put({ ...work, isNew: false });
  await requireThere(work);
}

const put = (work: Upload): Promise<void> =>
  work.sealed.sizeBytes < Math.max(work.options.multipart.thresholdBytes, 1)
    ? putWhole(work)
    : putParts(work);

/** False if there is another object, or if the store knows no conditions. */
async function createdOrThere(work: Upload): Promise<boolean> {
  try {
    await put(work);
    return true;
  } catch (error) {
    if (isUnknown(error)) return false;
    if (!isTaken(error)) throw error;
    return isOurs(work);
  }
}

/** Whether the object that is there says of itself that it has these bytes. */
async function isOurs({ connection, options, key, sealed, marks }: Upload): Promise<boolean> {
  const { sdk, client } = connection;
  const place = { Bucket: options.bucket, Key: key };
  const found = await client.send(new sdk.HeadObjectCommand(place)).catch((error) => {
    if (!isAbsent(error)) throw error;
  });
  const { ContentLength, Metadata = {} } = found ?? {};
  const [name] = Object.keys(marks ?? {}).filter((mark) => mark.endsWith("sha256"));
  return ContentLength === sealed.sizeBytes && Metadata[name ?? "sha256"] === sealed.digests.sha256;
}

const ifNew = ({ isNew }: Upload) => (isNew ? { IfNoneMatch: "*" } : {});

const parametersOf = ({ options, key, sealed, marks }: Upload) => ({
  ...options.uploadParameters,
  ...(options.acl === undefined ? {} : { ACL: options.acl as "private" }),
  Bucket: options.bucket,
  Key: key,
  Metadata: marks ?? { sha256: sealed.digests.sha256 },
});

async function putWhole(work: Upload): Promise<void> {
  const { sdk, client } = work.connection;
  const { sizeBytes, digests } = work.sealed;
  const command = new sdk.PutObjectCommand({
    ...parametersOf(work),
    ...ifNew(work),
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
    const parts = { Bucket, Key, UploadId, MultipartUpload, ...ifNew(work) };
    await client.send(new sdk.CompleteMultipartUploadCommand(parts));
  } catch (error) {
    // What is left behind costs money. The failure that led here is the one to tell.
    const parts = { Bucket, Key, UploadId };
    await client.send(new sdk.AbortMultipartUploadCommand(parts)).catch(() => undefined);
    throw error;
  }
}

function allParts(work: Upload, uploadId: string): Promise<CompletedPart[]> {
  const { file, sealed, options } = work;
  const plan = { ...options.multipart, sizeBytes: sealed.sizeBytes, mostParts: MOST_PARTS };
  return inParts(file, plan, (bytes, index) =>
    onePart(work, { uploadId, number: index + 1, bytes }),
  );
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

async function requireThere({ connection, options, key, sealed }: Upload): Promise<void> {
  const { sdk, client } = connection;
  const { ContentLength } = await client.send(
    new sdk.HeadObjectCommand({ Bucket: options.bucket, Key: key }),
  );
  if (ContentLength !== sealed.sizeBytes)
    throw storageErrors.unavailable(`${ContentLength} of ${sealed.sizeBytes} bytes arrived`);
}
