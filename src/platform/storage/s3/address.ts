import type { RedirectOptions } from "../storage.ts";
import type { S3Connection } from "./client.ts";
import type { S3Options } from "./options.ts";

export interface Addressed {
  readonly connection: S3Connection;
  readonly options: S3Options;
  readonly key: string;
}

/** Address of an object for a client (core-content §2.4): signed for its method, or on a CDN. */
export async function clientAddress(of: Addressed, wanted: RedirectOptions): Promise<string> {
  const { addresses } = of.options;
  if (addresses.customDomain !== undefined) return onCustomDomain(of, wanted);
  return addresses.isSigned ? presigned(of, wanted) : plain(of);
}

/** What the object store puts into its answer; no quotes, as clients of the peer expect. */
const disposition = ({ fileName }: RedirectOptions): string => `attachment;filename=${fileName}`;

async function presigned(
  { connection: { sdk, client }, options, key }: Addressed,
  wanted: RedirectOptions,
): Promise<string> {
  const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
  const input = {
    Bucket: options.bucket,
    Key: key,
    ResponseContentDisposition: disposition(wanted),
    ResponseContentType: wanted.contentType,
  };
  const { lifetimeSeconds: expiresIn } = options.addresses;
  return wanted.method === "HEAD"
    ? getSignedUrl(client, new sdk.HeadObjectCommand(input), { expiresIn })
    : getSignedUrl(client, new sdk.GetObjectCommand(input), { expiresIn });
}

/** CloudFront knows the names of the wire only. */
async function onCustomDomain(
  { options: { addresses }, key }: Addressed,
  wanted: RedirectOptions,
): Promise<string> {
  const { customDomain, protocol, cloudFront, isSigned, lifetimeSeconds } = addresses;
  const url = `${protocol}//${customDomain}/${encoded(key)}`;
  if (!isSigned || !cloudFront) return url;
  const { getSignedUrl } = await import("@aws-sdk/cloudfront-signer");
  const query = new URLSearchParams({
    "response-content-disposition": disposition(wanted),
    "response-content-type": wanted.contentType,
  });
  return getSignedUrl({
    url: `${url}?${query}`,
    keyPairId: cloudFront.keyId,
    privateKey: cloudFront.privateKey,
    dateLessThan: new Date(Date.now() + lifetimeSeconds * 1000),
  });
}

function plain({ options, key }: Addressed): string {
  const { endpoint, region, bucket, usesPath } = options;
  const base = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`);
  if (usesPath) return `${base.origin}/${bucket}/${encoded(key)}`;
  return `${base.protocol}//${bucket}.${base.host}/${encoded(key)}`;
}

const encoded = (key: string): string => key.split("/").map(encodeURIComponent).join("/");
