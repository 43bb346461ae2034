import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "../../test/support/api.ts";
import { Ledger } from "./ledger.ts";
import { dangling, verifyPushes } from "./push-checks.ts";
import { accepted, type Client, digestOf, IMAGE, INDEX, pushParts } from "./push-client.ts";
import { PushRecord } from "./push-record.ts";
import type { Random } from "./random.ts";
import { Refused } from "./refused.ts";
import type { Workload } from "./workload.ts";

const NAMES = ["pushes/app-0", "pushes/app-1", "pushes/app-2"];
const CLIENTS = 4;
/** Tags that a client moves to and fro, and nobody else. */
const OWN_TAGS = 5;

/**
 * Clients that do nothing but push: layers in every way that clients know, manifests, indexes, mounts
 * and tags that move, while somebody pulls what the tags say. Nothing is ever removed, so nothing
 * excuses anything that is missing.
 */
export function createPushWorkload(random: Random): Workload {
  const ledger = new Ledger();
  const record = new PushRecord();
  return {
    ledger,
    prepare: async () => undefined,
    async run({ api }, signal) {
      const client = { api, random, record };
      const clients = Array.from({ length: CLIENTS }, (_, n) =>
        again({ ledger, signal }, () => push(client, n, ledger)),
      );
      await Promise.all([...clients, again({ ledger, signal }, () => pull(api, random, ledger))]);
    },
    verify: async ({ api }, isThorough) => [
      ...ledger.wrong.splice(0),
      ...(await verifyPushes({ api, random, record, names: NAMES, isThorough })),
    ],
    acknowledged: () => ({
      blobs: record.blobs.length,
      manifests: record.manifests.length,
      images: ledger.images,
      resumedUploads: record.resumed,
      forgottenBeginnings: record.unbegun,
    }),
  };
}

interface Turn {
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
}

async function again({ ledger, signal }: Turn, step: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await step();
      ledger.done += 1;
    } catch (error) {
      judge(error as Error, ledger);
      await sleep(20);
    }
  }
}

/** A broken connection and a 503 are what the kill does; an upload may be forgotten before its first byte. */
function judge(error: Error, ledger: Ledger): void {
  const isForgotten = error instanceof Refused && /BLOB_UPLOAD_UNKNOWN/.test(error.body);
  if (error instanceof TypeError) ledger.count("connection");
  else if (error instanceof Refused && error.status === 503) ledger.count("503");
  else if (isForgotten) ledger.count("upload forgotten");
  else ledger.wrong.push(error.message);
}

/** An image with a tag of the client's own or the one that all move; now and then an index of two. */
async function push(client: Client, n: number, ledger: Ledger): Promise<void> {
  const { random } = client;
  const name = random.pick(NAMES);
  const first = await pushParts(client, name);
  if (random.below(4) > 0) {
    await putTagged(client, name, { text: first, tag: tagOf(random, n), type: IMAGE });
  } else {
    const texts = [first, await pushParts(client, name)];
    const manifests = [];
    for (const text of texts) {
      const digest = digestOf(Buffer.from(text));
      await put(client, name, { text, reference: digest, type: IMAGE });
      manifests.push({ mediaType: IMAGE, digest, size: text.length });
    }
    const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests });
    await putTagged(client, name, { text: index, tag: tagOf(random, n), type: INDEX });
    await mount(client, name);
  }
  ledger.images += 1;
}

const SHARED_TAG = "latest";

const tagOf = (random: Random, n: number): string =>
  random.below(OWN_TAGS + 1) === 0 ? SHARED_TAG : `client-${n}-${random.below(OWN_TAGS)}`;

interface Tagged {
  readonly text: string;
  readonly tag: string;
  readonly type: string;
}

async function putTagged(client: Client, name: string, { text, tag, type }: Tagged): Promise<void> {
  const { record } = client;
  const digest = digestOf(Buffer.from(text));
  record.beginTag(name, tag, digest);
  await put(client, name, { text, reference: tag, type });
  if (tag !== SHARED_TAG) record.endTag(name, tag, digest);
}

async function put(
  { api, record }: Client,
  name: string,
  { text, reference, type }: Omit<Tagged, "tag"> & { readonly reference: string },
): Promise<void> {
  const path = `/v2/${name}/manifests/${reference}`;
  const init = { body: text, headers: { "content-type": type } };
  await accepted(await api.request("PUT", path, init), path);
  record.addManifest({ name, digest: digestOf(Buffer.from(text)), text });
}

/** A blob of one name in another one; what cannot be mounted begins an upload that nobody goes on with. */
async function mount({ api, random, record }: Client, from: string): Promise<void> {
  const blobs = record.blobs.filter((blob) => blob.name === from);
  if (blobs.length === 0) return;
  const { digest } = random.pick(blobs);
  const name = random.pick(NAMES);
  const path = `/v2/${name}/blobs/uploads/?mount=${digest}&from=${from}`;
  const answer = await accepted(await api.request("POST", path), path);
  if (answer.status === 201) record.addBlob(name, digest);
}

/** A tag that is listed can be pulled, all of it, at every moment (R2). */
async function pull(api: Api, random: Random, ledger: Ledger): Promise<void> {
  const name = random.pick(NAMES);
  const list = await api.request("GET", `/v2/${name}/tags/list`);
  if (list.status === 404) return void (await sleep(20));
  const { tags } = (await (await accepted(list, "tags")).json()) as { tags: string[] | null };
  if (!tags || tags.length === 0) return;
  ledger.wrong.push(...(await dangling(api, name, random.pick(tags))));
}
