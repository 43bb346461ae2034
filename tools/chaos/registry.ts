import type { Api } from "../../test/support/api.ts";
import { sha256 } from "./digest.ts";
import type { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";
import { Refused, type Step } from "./refused.ts";

const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "{}";
/** Verified of each kind, the newest. */
const NEWEST = 20;

interface Image {
  readonly name: string;
  readonly digest: string;
  readonly text: string;
  readonly layer: string;
}

interface Unfinished {
  readonly location: string;
  readonly bytes: Buffer;
  /** Bytes that the client was told are there. */
  readonly acknowledged: number;
}

/** What clients of the registry do, and what they were told. */
export interface RegistryWork {
  readonly steps: readonly Step[];
  /** What was acknowledged and is not there; unfinished uploads are gone on with. */
  verify(api: Api): Promise<readonly string[]>;
}

export function createRegistryWork(random: Random, ledger: Ledger): RegistryWork {
  const images = new Map<string, Image>();
  const deleted: Image[] = [];
  const unfinished: Unfinished[] = [];
  const nameOf = () => `chaos/app-${random.below(3)}`;

  const push: Step = async (api) => {
    const name = nameOf();
    const layer = random.bytes(1 + random.below(60_000));
    const config = await uploadAtOnce(api, name, Buffer.from(CONFIG));
    const digest = await uploadInChunks(api, name, layer);
    const text = JSON.stringify({
      ...{ schemaVersion: 2, mediaType: IMAGE },
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: layer.length }],
    });
    const own = `sha256:${sha256(Buffer.from(text))}`;
    const query = random.below(2) === 0 ? `?tag=t${random.below(10)}` : "";
    await put(api, `/v2/${name}/manifests/${own}${query}`, text, { "content-type": IMAGE });
    images.set(own, { name, digest: own, text, layer: digest });
    ledger.images += 1;
  };
  const remove: Step = async (api) => {
    const [image] = [...images.values()].slice(random.below(Math.max(1, images.size)));
    if (!image) return;
    images.delete(image.digest);
    const path = `/v2/${image.name}/manifests/${image.digest}`;
    await accepted(await api.request("DELETE", path), `DELETE ${path}`);
    deleted.push(image);
  };
  const leave: Step = async (api) => {
    const bytes = random.bytes(20_000);
    const location = await begin(api, nameOf());
    const half = bytes.subarray(0, 10_000);
    await accepted(await api.request("PATCH", location, body(half)), "PATCH of an upload");
    unfinished.push({ location, bytes, acknowledged: half.length });
  };
  return {
    steps: [push, push, push, remove, leave],
    async verify(api) {
      const kept = [...images.values()].slice(-NEWEST).map((image) => lostOf(api, image));
      const gone = deleted.slice(-NEWEST).map((image) => stillThere(api, image));
      const left = unfinished.splice(0);
      const open = left.map((upload) => resumeFindings(api, upload));
      ledger.resumed += left.length;
      return (await Promise.all([...kept, ...gone, ...open])).flat();
    },
  };
}

const body = (bytes: Buffer, headers: Readonly<Record<string, string>> = {}): RequestInit => ({
  body: new Uint8Array(bytes),
  headers,
});

async function accepted(answer: Response, what: string): Promise<Response> {
  if (answer.ok) return answer;
  throw new Refused(what, answer.status, await answer.text());
}

async function put(
  api: Api,
  path: string,
  text: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const answer = await api.request("PUT", path, body(Buffer.from(text), headers));
  await accepted(answer, `PUT ${path}`);
}

async function begin(api: Api, name: string): Promise<string> {
  const path = `/v2/${name}/blobs/uploads/`;
  const begun = await accepted(await api.request("POST", path), `POST ${path}`);
  return begun.headers.get("location") ?? "";
}

async function uploadAtOnce(api: Api, name: string, bytes: Buffer) {
  const digest = `sha256:${sha256(bytes)}`;
  const path = `/v2/${name}/blobs/uploads/?digest=${digest}`;
  await accepted(await api.request("POST", path, body(bytes)), `POST ${path}`);
  return { digest, size: bytes.length };
}

async function uploadInChunks(api: Api, name: string, bytes: Buffer): Promise<string> {
  const location = await begin(api, name);
  const cut = Math.floor(bytes.length / 2);
  if (cut > 0) {
    const chunk = body(bytes.subarray(0, cut), { "content-range": `0-${cut - 1}` });
    await accepted(await api.request("PATCH", location, chunk), "PATCH of an upload");
  }
  const digest = `sha256:${sha256(bytes)}`;
  const rest = body(bytes.subarray(cut));
  await accepted(
    await api.request("PUT", `${location}?digest=${digest}`, rest),
    "PUT of an upload",
  );
  return digest;
}

async function lostOf(api: Api, { name, digest, text, layer }: Image): Promise<string[]> {
  const manifest = await api.request("GET", `/v2/${name}/manifests/${digest}`);
  const blob = await api.request("GET", `/v2/${name}/blobs/${layer}`);
  const found = `sha256:${sha256(Buffer.from(await blob.arrayBuffer()))}`;
  return [
    ...((await manifest.text()) === text ? [] : [`${name}@${digest}: ${manifest.status}`]),
    ...(found === layer ? [] : [`${name}: blob ${layer}: ${blob.status}`]),
  ];
}

async function stillThere(api: Api, { name, digest }: Image): Promise<string[]> {
  const { status } = await api.request("GET", `/v2/${name}/manifests/${digest}`);
  return status === 404 ? [] : [`${name}@${digest} was deleted, now: ${status}`];
}

/** An upload is at what was acknowledged, or further, and can be finished from there. */
async function resumeFindings(api: Api, upload: Unfinished): Promise<string[]> {
  const { location, bytes, acknowledged } = upload;
  const status = await api.request("GET", location);
  const at = Number(status.headers.get("range")?.split("-")[1] ?? "-1") + 1;
  if (status.status !== 204 || at < acknowledged) {
    return [`${location} had ${acknowledged} bytes, now: ${status.status}, ${at}`];
  }
  const digest = `sha256:${sha256(bytes)}`;
  const rest = body(bytes.subarray(at), { "content-range": `${at}-${bytes.length - 1}` });
  const done = await api.request("PUT", `${location}?digest=${digest}`, rest);
  return done.status === 201 ? [] : [`${location} cannot be finished: ${done.status}`];
}
