import { setTimeout as sleep } from "node:timers/promises";
import type { Api } from "../../test/support/api.ts";
import { accepted, close, digestOf } from "./push-client.ts";
import type { OpenUpload, PushRecord } from "./push-record.ts";
import type { Random } from "./random.ts";

type Findings = readonly string[];

export interface PushCheck {
  readonly api: Api;
  readonly random: Random;
  readonly record: PushRecord;
  readonly names: readonly string[];
  /** Everything that was ever acknowledged is looked at, and not some of it. */
  readonly isThorough: boolean;
}

/** The newest of each kind, and as many of the older ones. */
const LOOKED_AT = 40;
/** Requests that are under way at once. */
const AT_ONCE = 16;
/** A process that died while it wrote to an upload is known to be dead after this time. */
const TAKEN_OVER_MS = 15_000;

/** What was acknowledged and is not there, and what is visible and not whole; nothing is running. */
export async function verifyPushes(check: PushCheck): Promise<Findings> {
  const { api, record, names } = check;
  const blobs = await each(some(check, record.blobs), ({ name, digest }) =>
    blobFindings(api, name, digest),
  );
  const manifests = await each(some(check, record.manifests), async ({ name, digest, text }) => {
    const answer = await api.request("GET", `/v2/${name}/manifests/${digest}`);
    return (await answer.text()) === text ? [] : [`${name}@${digest}: ${answer.status}`];
  });
  const tags = await each(names, (name) => tagFindings(check, name));
  const open = [...record.open];
  record.open.clear();
  const uploads = await each(open, (upload) => uploadFindings(api, record, upload));
  return [...blobs, ...manifests, ...tags, ...uploads];
}

function some<Item>({ random, isThorough }: PushCheck, items: readonly Item[]): readonly Item[] {
  if (isThorough || items.length <= 2 * LOOKED_AT) return items;
  const older = items.slice(0, -LOOKED_AT);
  return [
    ...items.slice(-LOOKED_AT),
    ...Array.from({ length: LOOKED_AT }, () => random.pick(older)),
  ];
}

async function each<Item>(
  items: readonly Item[],
  look: (item: Item) => Promise<Findings>,
): Promise<Findings> {
  const findings: string[] = [];
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift())
      findings.push(...(await look(item)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return findings;
}

async function blobFindings(api: Api, name: string, digest: string): Promise<Findings> {
  const answer = await api.request("GET", `/v2/${name}/blobs/${digest}`);
  const found = digestOf(Buffer.from(await answer.arrayBuffer()));
  return found === digest ? [] : [`${name}: blob ${digest}: ${answer.status}, ${found}`];
}

/** Every tag that is listed is whole and means what was acknowledged; none is missing. */
async function tagFindings({ api, record }: PushCheck, name: string): Promise<Findings> {
  const answer = await api.request("GET", `/v2/${name}/tags/list`);
  const expected = record.tagsOf(name);
  if (answer.status === 404 && expected.length === 0) return [];
  const { tags } = (await (await accepted(answer, "tags")).json()) as { tags: string[] | null };
  const listed = tags ?? [];
  const lost = expected.filter((tag) => !listed.includes(tag));
  const findings = await each(listed, async (tag) => [
    ...(await dangling(api, name, tag)),
    ...(await meaningFindings(api, record, { name, tag })),
  ]);
  return [...lost.map((tag) => `${name}:${tag} was acknowledged and is gone`), ...findings];
}

async function meaningFindings(
  api: Api,
  record: PushRecord,
  { name, tag }: { readonly name: string; readonly tag: string },
): Promise<Findings> {
  const { status, headers } = await api.request("HEAD", `/v2/${name}/manifests/${tag}`);
  const digest = headers.get("docker-content-digest") ?? "";
  // The one that all move means any of what they sent, and nobody knows which came last.
  if (tag === "latest" || record.settleTag(name, tag, digest)) return [];
  return [`${name}:${tag} means ${digest}, which nobody was told: ${status}`];
}

interface Descriptor {
  readonly digest: string;
}

interface ManifestText {
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
}

/** What a reference leads to and is not there; a connection that breaks rejects. */
export async function dangling(api: Api, name: string, reference: string): Promise<Findings> {
  const answer = await api.request("GET", `/v2/${name}/manifests/${reference}`);
  if (answer.status === 404) return [`${name}:${reference} is listed and is not there`];
  const text = Buffer.from(await (await accepted(answer, `${name}:${reference}`)).arrayBuffer());
  if (digestOf(text) !== answer.headers.get("docker-content-digest"))
    return [`${name}:${reference}: its bytes have another digest`];
  const { config, layers = [], manifests = [] } = JSON.parse(text.toString()) as ManifestText;
  const blobs = [...(config ? [config] : []), ...layers];
  const findings: string[] = [];
  for (const { digest } of blobs) {
    const { status } = await api.request("HEAD", `/v2/${name}/blobs/${digest}`);
    if (status === 404) findings.push(`${name}:${reference} lacks blob ${digest}`);
  }
  for (const { digest } of manifests) findings.push(...(await dangling(api, name, digest)));
  return findings;
}

/**
 * An upload stands at what was acknowledged or further, and what it has are the first bytes that were
 * sent: with the rest it becomes the blob of its digest. One whose end was under way may have it.
 */
async function uploadFindings(api: Api, record: PushRecord, upload: OpenUpload): Promise<Findings> {
  const { name, location, bytes, acknowledged } = upload;
  const digest = digestOf(bytes);
  const { status, headers } = await api.request("GET", location);
  if (status === 404 && upload.isClosing) {
    if ((await blobFindings(api, name, digest)).length === 0) return [];
  }
  if (status === 404 && acknowledged === 0) {
    record.unbegun += 1;
    return [];
  }
  const range = headers.get("range") ?? "";
  const at = range === "0-0" && acknowledged === 0 ? 0 : Number(range.split("-")[1] ?? -1) + 1;
  if (status !== 204 || at < acknowledged || at > bytes.length)
    return [`${location} had ${acknowledged} of ${bytes.length} bytes, now: ${status}, ${range}`];
  upload.acknowledged = at;
  await takenOver(() => close(api, upload, digest));
  record.resumed += 1;
  return blobFindings(api, name, digest);
}

/** Until it is known that the process that wrote is dead, others are told that it writes. */
async function takenOver(finish: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + TAKEN_OVER_MS;
  for (;;) {
    try {
      return await finish();
    } catch (error) {
      const isTaken = (error as { status?: number }).status === 416;
      if (!isTaken || Date.now() > deadline) throw error;
      await sleep(200);
    }
  }
}
