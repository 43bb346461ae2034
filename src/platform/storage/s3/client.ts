import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { S3Client } from "@aws-sdk/client-s3";
import type { S3Options } from "./options.ts";

/** Tries of one request, with growing pauses: a store that asks to slow down is met with patience. */
const TRIES = 6;
const CONNECT_MS = 5000;
/** Without a byte in either direction. */
const SILENCE_MS = 30_000;
const MAX_SOCKETS = 64;

export type Sdk = typeof import("@aws-sdk/client-s3");

export interface S3Connection {
  readonly sdk: Sdk;
  readonly client: S3Client;
}

/** The library is loaded for the first store that needs it: it costs a start 160 ms and 30 MB. */
export async function connect(options: S3Options): Promise<S3Connection> {
  const sdk = await import("@aws-sdk/client-s3");
  const { region, endpoint, credentials, usesPath } = options;
  const client = new sdk.S3Client({
    region,
    credentials,
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: usesPath,
    maxAttempts: TRIES,
    // Other checksums than ours are not known to every server that speaks the protocol.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      ...agents(options),
    },
  });
  return { sdk, client };
}

function agents({ proxies, verifiesTls }: S3Options) {
  const { http, https } = proxies;
  const common = { keepAlive: true, maxSockets: MAX_SOCKETS };
  return {
    httpAgent: new HttpAgent({ ...common, ...(http ? { proxyEnv: { HTTP_PROXY: http } } : {}) }),
    httpsAgent: new HttpsAgent({
      ...common,
      rejectUnauthorized: verifiesTls,
      ...(https ? { proxyEnv: { HTTPS_PROXY: https } } : {}),
    }),
  };
}
