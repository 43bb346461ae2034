import type { ListMultipartUploadsCommandOutput, MultipartUpload } from "@aws-sdk/client-s3";
import type { S3Connection } from "./client.ts";
import { isAbsent } from "./errors.ts";

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
/** Names that this program gives (core-content §2.1): what others put into the bucket is theirs. */
const OURS = new RegExp(
  `^(?:artifact/(?:${UUID}/)?[0-9a-f]{2}/[0-9a-f]{62}|upload/${UUID}|tmp/files/[0-9a-f]{2}/[0-9a-f-]{34})$`,
);
/** Uploads of one sweep; the next one goes on. */
const MOST = 1000;

export interface SweptPlace {
  readonly connection: S3Connection;
  readonly bucket: string;
  /** With a slash at its end, or "". */
  readonly prefix: string;
  /** Milliseconds since 1970. */
  readonly before: number;
}

/**
 * Takes back uploads in parts that were begun before and never ended: their parts cost money, and
 * nobody sees them.
 *
 * @returns how many.
 */
export async function sweepUploads(place: SweptPlace): Promise<number> {
  const { connection, bucket, prefix } = place;
  const { sdk, client } = connection;
  let swept = 0;
  let marker = {};
  for (;;) {
    const page: ListMultipartUploadsCommandOutput = await client.send(
      new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...marker }),
    );
    const old = (page.Uploads ?? []).filter((upload) => isLeftover(upload, place));
    for (const { Key, UploadId } of old) {
      await giveUp(place, { Key, UploadId });
      swept += 1;
      if (swept === MOST) return swept;
    }
    if (!page.IsTruncated) return swept;
    marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}

function isLeftover({ Key = "", Initiated }: MultipartUpload, { prefix, before }: SweptPlace) {
  const isOurs = Key.startsWith(prefix) && OURS.test(Key.slice(prefix.length));
  return isOurs && Initiated !== undefined && Initiated.getTime() < before;
}

/** One that has ended meanwhile is none any more. */
async function giveUp({ connection, bucket }: SweptPlace, upload: MultipartUpload): Promise<void> {
  const { sdk, client } = connection;
  const { Key, UploadId } = upload;
  try {
    await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}
