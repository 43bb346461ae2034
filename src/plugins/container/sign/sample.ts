import { join } from "node:path";
import type { SignerKind } from "#sdk";
import { readManifest } from "../format/manifest.ts";
import { DOCKER_CONFIG, DOCKER_MANIFEST } from "../format/media-types.ts";
import { signManifest } from "./sign-manifest.ts";

const digest = `sha256:${"0".repeat(64)}`;

const SAMPLE = readManifest(
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: DOCKER_MANIFEST,
      config: { mediaType: DOCKER_CONFIG, size: 2, digest },
      layers: [],
    }),
  ),
);

/** Services that sign images; a new one shows that it does (plugin-container §4.5). */
export const manifestSigner: SignerKind = {
  model: "container.ManifestSigningService",
  mayKeepKeys: true,
  async signSample(service, { folder, signal }) {
    const work = { digest: SAMPLE.digest, body: SAMPLE.bytes, reference: "sample/image:tag" };
    await signManifest(service, { ...work, folder, signal });
    return join(folder, "signature");
  },
};
