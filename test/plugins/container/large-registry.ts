/** A process that serves a repository of generated images, one per tag. */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const tags = Number(process.argv[2]);
const OCI = "application/vnd.oci.image";
const digestOf = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

const configOf = (index: number) =>
  JSON.stringify({ architecture: "amd64", os: "linux", config: { Labels: { n: String(index) } } });

function manifestOf(index: number): string {
  const config = configOf(index);
  const layer = (name: string) => ({
    mediaType: `${OCI}.layer.v1.tar+gzip`,
    digest: digestOf(name),
    size: name.length,
  });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: { mediaType: `${OCI}.config.v1+json`, digest: digestOf(config), size: config.length },
    layers: [layer("base"), layer(`group ${index % 100}`), layer(`layer ${index}`)],
  });
}

const byDigest = new Map<string, number>();
const configs = new Map<string, number>();
for (let index = 0; index < tags; index += 1) {
  byDigest.set(digestOf(manifestOf(index)), index);
  configs.set(digestOf(configOf(index)), index);
}

const server = createServer((request, response) => {
  const [, kind, last = ""] = /^\/v2\/library\/app\/(\w+)\/([^?]+)/.exec(request.url ?? "") ?? [];
  const send = (body: string, headers: Readonly<Record<string, string>>) =>
    response
      .writeHead(200, { "content-length": Buffer.byteLength(body), ...headers })
      .end(request.method === "HEAD" ? undefined : body);
  if (kind === "tags") {
    const names = Array.from({ length: tags }, (_, index) => `v${index}`);
    return send(JSON.stringify({ name: "library/app", tags: names }), {});
  }
  const index = /^v\d+$/.test(last) ? Number(last.slice(1)) : byDigest.get(last);
  if (kind === "manifests" && index !== undefined) {
    const body = manifestOf(index);
    const digest = { "docker-content-digest": digestOf(body) };
    return send(body, { "content-type": `${OCI}.manifest.v1+json`, ...digest });
  }
  const config = configs.get(last);
  if (kind === "blobs" && config !== undefined) return send(configOf(config), {});
  return response.writeHead(404).end();
});
server.listen(0, "127.0.0.1", () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
