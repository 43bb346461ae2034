import { open } from "node:fs/promises";
import type { CompletedPart, S3Client } from "@aws-sdk/client-s3";
import { appErrors } from "#app/errors.ts";
import type { Flags } from "#app/flags.ts";
import { operatorErrors } from "../errors.ts";
import type { Options } from "../tool.ts";

const PART_BYTES = 16 * 2 ** 20;
const TRIES = 6;
const CONNECT_MS = 5000;
/** Without a byte in either direction. */
const SILENCE_MS = 60_000;

export interface S3Target {
  /** As it was given: `s3://bucket/key`. */
  readonly address: string;
  readonly bucket: string;
  readonly key: string;
}

const text = { type: "string" } as const;

export const s3Options = {
  ...{ "s3-access-key-id": text, "s3-secret-access-key": text, "s3-session-token": text },
  ...{ "s3-endpoint-url": text, "s3-region": text },
} satisfies Options;

export const s3Help: readonly string[] = [
  "  --s3-access-key-id ID, --s3-secret-access-key KEY, --s3-session-token TOKEN",
  "                      else what the SDK of AWS finds: variables AWS_…, its profiles, the machine",
  "  --s3-endpoint-url URL, --s3-region REGION  of another server, of another region",
];

/**
 * Reads `s3://bucket/key`; undefined for anything else.
 *
 * @throws `appErrors.usage` if bucket or key are missing
 */
export function s3Target(address: string): S3Target | undefined {
  if (!address.startsWith("s3://")) return undefined;
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.*[^/])$/.exec(address) ?? [];
  if (bucket !== undefined && key !== undefined) return { address, bucket, key };
  throw appErrors.usage(`'${address}' must be s3://BUCKET/PATH/OF/THE/FILE.`);
}

/**
 * Puts a local file under a key, in parts of 16 MiB that never are in memory together.
 *
 * @returns its size in bytes
 * @throws `operatorErrors.upload`; nothing is left in the bucket then
 */
export async function uploadFile(
  file: string,
  target: S3Target,
  { text: flags, signal }: Pick<Flags, "text"> & { readonly signal: AbortSignal },
): Promise<number> {
  const credentials = credentialsOf(flags);
  const sdk = await import("@aws-sdk/client-s3");
  const endpoint = flags["s3-endpoint-url"];
  const client = new sdk.S3Client({
    ...(flags["s3-region"] ? { region: flags["s3-region"] } : defaultRegion()),
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
    ...(credentials ? { credentials } : {}),
    maxAttempts: TRIES,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
    // Other checksums are not known to every server that speaks the protocol.
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  try {
    return await put({ sdk, client, target, file, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (appErrors.usage.is(error) || operatorErrors.file.is(error)) throw error;
    const { name, message } = error as Error;
    throw operatorErrors.upload(target.address, `${name}: ${message}`);
  } finally {
    client.destroy();
  }
}

const defaultRegion = () => (process.env.AWS_REGION ? {} : { region: "us-east-1" });

function credentialsOf(flags: Flags["text"]) {
  const [accessKeyId, secretAccessKey] = [flags["s3-access-key-id"], flags["s3-secret-access-key"]];
  const sessionToken = flags["s3-session-token"];
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw appErrors.usage("--s3-access-key-id and --s3-secret-access-key belong together.");
  }
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

interface Put {
  readonly sdk: typeof import("@aws-sdk/client-s3");
  readonly client: S3Client;
  readonly target: S3Target;
  readonly file: string;
  readonly signal: AbortSignal;
}

async function put({ sdk, client, target, file, signal }: Put): Promise<number> {
  await using handle = await open(file, "r").catch((error: NodeJS.ErrnoException) => {
    throw operatorErrors.file(file, error.code ?? error.message);
  });
  const { size } = await handle.stat();
  const place = { Bucket: target.bucket, Key: target.key };
  const read = async (start: number): Promise<Buffer> => {
    const bytes = Buffer.alloc(Math.min(PART_BYTES, size - start));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
    return bytes.subarray(0, bytesRead);
  };
  if (size <= PART_BYTES) {
    const Body = await read(0);
    await client.send(new sdk.PutObjectCommand({ ...place, Body }), { abortSignal: signal });
    return size;
  }
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(place));
  try {
    const Parts: CompletedPart[] = [];
    for (let start = 0; start < size; start += PART_BYTES) {
      const part = { ...place, UploadId, PartNumber: Parts.length + 1, Body: await read(start) };
      const { ETag } = await client.send(new sdk.UploadPartCommand(part), { abortSignal: signal });
      Parts.push({ PartNumber: part.PartNumber, ...(ETag === undefined ? {} : { ETag }) });
    }
    const whole = { ...place, UploadId, MultipartUpload: { Parts } };
    await client.send(new sdk.CompleteMultipartUploadCommand(whole));
    return size;
  } catch (error) {
    await client.send(new sdk.AbortMultipartUploadCommand({ ...place, UploadId }));
    throw error;
  }
}
