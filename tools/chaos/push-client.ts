import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "../../test/support/api.ts";
import { sha256 } from "./digest.ts";
import type { OpenUpload, PushRecord } from "./push-record.ts";
import type { Random } from "./random.ts";
import { Refused } from "./refused.ts";

export const IMAGE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX = "application/vnd.oci.image.index.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";
const CONFIG = "application/vnd.oci.image.config.v1+json";

const MOST_LAYER_BYTES = 200_000;
/** Sent at once by a client that streams. */
const PIECE_BYTES = 20_000;

export interface Client {
  readonly api: Api;
  readonly random: Random;
  readonly record: PushRecord;
}

export interface Part {
  readonly digest: string;
  readonly size: number;
}

export const digestOf = (bytes: Uint8Array): string => `sha256:${sha256(bytes)}`;

/** Blobs and a manifest of one image, in the ways of the clients that there are. */
export async function pushParts(client: Client, name: string): Promise<string> {
  const { random } = client;
  const config = await pushBlob(client, name, Buffer.from(JSON.stringify({ n: random.below(4) })));
  const layers: Part[] = [];
  for (let n = 1 + random.below(3); n > 0; n -= 1) {
    const size = 1 + random.below(MOST_LAYER_BYTES);
    layers.push(await pushBlob(client, name, Buffer.alloc(size, random.bytes(64))));
  }
  return JSON.stringify({
    ...{ schemaVersion: 2, mediaType: IMAGE, config: { mediaType: CONFIG, ...config } },
    layers: layers.map((layer) => ({ mediaType: LAYER, ...layer })),
  });
}

/** One blob: in one request, in two, in chunks, or as a stream. */
export async function pushBlob(client: Client, name: string, bytes: Buffer): Promise<Part> {
  const { api, random, record } = client;
  const digest = digestOf(bytes);
  const way = random.below(4);
  if (way === 0) {
    const path = `/v2/${name}/blobs/uploads/?digest=${digest}`;
    await accepted(await api.request("POST", path, { body: new Uint8Array(bytes) }), path);
  } else {
    const upload = await begin(api, name, bytes);
    record.open.add(upload);
    if (way === 2) await sendChunk(api, upload, Math.floor(bytes.length / 2));
    if (way === 3) await stream(api, upload);
    await close(api, upload, digest);
    record.open.delete(upload);
  }
  record.addBlob(name, digest);
  return { digest, size: bytes.length };
}

async function begin(api: Api, name: string, bytes: Buffer): Promise<OpenUpload> {
  const path = `/v2/${name}/blobs/uploads/`;
  const begun = await accepted(await api.request("POST", path), path);
  const location = begun.headers.get("location") ?? "";
  return { name, location, bytes, acknowledged: 0, isClosing: false };
}

async function sendChunk(api: Api, upload: OpenUpload, length: number): Promise<void> {
  if (length === 0) return;
  const body = new Uint8Array(upload.bytes.subarray(0, length));
  const headers = { "content-range": `0-${length - 1}` };
  await accepted(await api.request("PATCH", upload.location, { body, headers }), "a chunk");
  upload.acknowledged = length;
}

/** As a client that makes the layer while it sends it, so that a kill comes in the middle. */
async function stream(api: Api, upload: OpenUpload): Promise<void> {
  async function* pieces() {
    for (let at = 0; at < upload.bytes.length; at += PIECE_BYTES) {
      yield new Uint8Array(upload.bytes.subarray(at, at + PIECE_BYTES));
      await sleep(1);
    }
  }
  const body = ReadableStream.from(pieces());
  const sent = api.request("PATCH", upload.location, { body, duplex: "half" } as RequestInit);
  await accepted(await sent, "a stream");
  upload.acknowledged = upload.bytes.length;
}

/** Sends what is not acknowledged, and the digest. */
export async function close(api: Api, upload: OpenUpload, digest: string): Promise<void> {
  upload.isClosing = true;
  const body = new Uint8Array(upload.bytes.subarray(upload.acknowledged));
  const path = `${upload.location}?digest=${digest}`;
  await accepted(await api.request("PUT", path, { body }), "the end of an upload");
}

/** @throws Refused */
export async function accepted(answer: Response, what: string): Promise<Response> {
  if (answer.ok) return answer;
  throw new Refused(what, answer.status, await answer.text());
}
