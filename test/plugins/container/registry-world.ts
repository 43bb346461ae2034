import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import { container } from "#plugins/container/plugin.ts";
import type { ContextOptions } from "../../support/context.ts";
import { serveDoors } from "../../support/doors.ts";
import { ADMIN_PASSWORD, createTestApi, type TestApi } from "../../support/rest-api.ts";

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

export const sha256 = (bytes: Uint8Array | string): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export interface RegistryWorld extends TestApi {
  readonly origin: string;
  /** The header of the administrator. */
  readonly authorization: string;
  /** A request as the administrator, unless its headers say otherwise. */
  ask(method: string, path: string, init?: RequestInit): Promise<Response>;
  /** Uploads a blob with POST and PUT; returns its digest. */
  pushBlob(name: string, bytes: Uint8Array | string): Promise<string>;
  pushManifest(name: string, reference: string, manifest: object): Promise<Response>;
  /** An image of one layer, with a tag; returns the digest of its manifest. */
  pushImage(name: string, tag: string, layer?: string): Promise<string>;
}

/** The registry of this plugin on a port of its own, over a fresh database. */
export async function createRegistryWorld(
  t: TestContext,
  options: ContextOptions = {},
): Promise<RegistryWorld> {
  const api = await createTestApi(t, { ...options, shipped: [container] });
  const origin = await serveDoors(t, api.ctx, [container]);
  const authorization = `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString("base64")}`;
  const ask: RegistryWorld["ask"] = (method, path, init = {}) =>
    fetch(path.startsWith("http") ? path : `${origin}${path}`, {
      redirect: "manual",
      ...init,
      method,
      headers: { authorization, ...Object.fromEntries(new Headers(init.headers)) },
    });
  return { ...api, origin, authorization, ask, ...pushers(ask) };
}

function pushers(ask: RegistryWorld["ask"]) {
  const pushBlob = async (name: string, bytes: Uint8Array | string): Promise<string> => {
    const begun = await ask("POST", `/v2/${name}/blobs/uploads/`);
    const digest = sha256(bytes);
    const body = typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes);
    const done = await ask("PUT", `${begun.headers.get("location")}?digest=${digest}`, { body });
    if (done.status !== 201) throw new Error(`PUT answered ${done.status}: ${await done.text()}`);
    return digest;
  };
  const pushManifest = (name: string, reference: string, manifest: object) =>
    ask("PUT", `/v2/${name}/manifests/${reference}`, {
      body: JSON.stringify(manifest),
      headers: { "content-type": String(Object(manifest).mediaType ?? OCI_MANIFEST) },
    });
  const pushImage = async (name: string, tag: string, layer = `layer of ${name}:${tag}`) => {
    const config = JSON.stringify({ architecture: "amd64", os: "linux", config: {} });
    const manifest = imageManifest({ digest: await pushBlob(name, config), size: config.length }, [
      { digest: await pushBlob(name, layer), size: layer.length },
    ]);
    const pushed = await pushManifest(name, tag, manifest);
    if (pushed.status !== 201) throw new Error(`PUT answered ${pushed.status}`);
    return pushed.headers.get("docker-content-digest") ?? "";
  };
  return { pushBlob, pushManifest, pushImage };
}

interface Part {
  readonly digest: string;
  readonly size: number;
}

export const imageManifest = (
  config: Part,
  layers: readonly Part[],
  more: object = {},
): object => ({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: { mediaType: OCI_CONFIG, ...config },
  layers: layers.map((layer) => ({ mediaType: OCI_LAYER, ...layer })),
  ...more,
});

/** Codes of a refusal. */
export const codesOf = async (answer: Response): Promise<readonly string[]> =>
  ((await answer.json()) as { errors: { code: string }[] }).errors.map(({ code }) => code);
