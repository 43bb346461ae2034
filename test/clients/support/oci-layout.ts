import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { tarArchive } from "../../support/tar-archive.ts";

const OCI = "application/vnd.oci.image";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const sha256 = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** An OCI layout in a folder, whose only entry is an index of small images under a name. */
export async function writeIndexLayout(
  folder: string,
  { name, architectures }: { readonly name: string; readonly architectures: readonly string[] },
): Promise<{ readonly digest: string }> {
  await mkdir(join(folder, "blobs/sha256"), { recursive: true });
  const put = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const digest = sha256(bytes);
    await writeFile(join(folder, "blobs", digest.replace(":", "/")), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const putJson = (type: string, value: object) => put(type, Buffer.from(JSON.stringify(value)));
  const manifests: object[] = [];
  for (const architecture of architectures) {
    const tar = tarArchive([{ name: "hello", data: `${name} on ${architecture}` }]);
    const layer = await put(`${OCI}.layer.v1.tar+gzip`, gzipSync(tar));
    const config = await putJson(`${OCI}.config.v1+json`, {
      ...{ architecture, os: "linux", config: {} },
      rootfs: { type: "layers", diff_ids: [sha256(tar)] },
    });
    const mediaType = `${OCI}.manifest.v1+json`;
    const image = await putJson(mediaType, {
      schemaVersion: 2,
      mediaType,
      config,
      layers: [layer],
    });
    manifests.push({ ...image, platform: { architecture, os: "linux" } });
  }
  const mediaType = `${OCI}.index.v1+json`;
  const index = await putJson(mediaType, { schemaVersion: 2, mediaType, manifests });
  const annotations = { "org.opencontainers.image.ref.name": name };
  const entry = JSON.stringify({ schemaVersion: 2, manifests: [{ ...index, annotations }] });
  await writeFile(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await writeFile(join(folder, "index.json"), entry);
  return { digest: index.digest };
}
