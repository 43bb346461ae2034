import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { blackBox } from "./support/black-box.ts";
import { ImageClient } from "./support/image-clients.ts";

/** Keys of ours, an address without TLS, and nothing that asks the servers of Sigstore. */
const PLAIN = ["--allow-http-registry", "--allow-insecure-registry"] as const;
const SIGN = [...PLAIN, "--key", "cosign.key", "--tlog-upload=false", "--yes"] as const;
const VERIFY = [
  ...[...PLAIN, "--key", "cosign.pub", "--insecure-ignore-tlog"],
  // What the client trusts beyond the key: nothing, and it need not ask for it.
  ...["--trusted-root", "trusted.json"],
] as const;
const SBOM = ["--sbom", "sbom.json", "--type", "spdx", "--input-format", "json"] as const;
const PREDICATE = ["--type", "spdxjson", "--predicate", "sbom.json"] as const;
const BUNDLE = ["--new-bundle-format"] as const;

let host: string;
let client: ImageClient;
const stack = new AsyncDisposableStack();
const box = blackBox({}, async ({ server: { apiUrl, username, password } }) => {
  host = new URL(apiUrl).host;
  const home = stack.use(await ImageClient.create());
  client = home.with({ COSIGN_PASSWORD: "a passphrase", COSIGN_EXPERIMENTAL: "1" });
  await client.run("crane", "auth", "login", host, "-u", username, "-p", password);
  await cosign("generate-key-pair");
  await cosign("trusted-root", "create", "--out", "trusted.json");
  const sbom = { spdxVersion: "SPDX-2.3", name: "an inventory" };
  await writeFile(client.path("sbom.json"), JSON.stringify(sbom));
});
after(() => stack.disposeAsync());

const cosign = (...args: readonly string[]) => client.run("cosign", ...args);

/** `host/name@digest` of an image that was just pushed. */
async function push(name: string): Promise<string> {
  const image = `${host}/${name}`;
  await client.pushImage(`${image}:1`);
  return `${image}@${(await client.run("crane", "digest", `${image}:1`)).trim()}`;
}

async function artifactTypes(image: string): Promise<readonly string[]> {
  const [, name, digest] = /^[^/]+\/(.+)@(.+)$/.exec(image) ?? [];
  const found = await box.api.request("GET", `/v2/${name}/referrers/${digest}`);
  const { manifests } = Object(await found.json());
  return manifests.map(({ artifactType }: { artifactType: string }) => artifactType).sort();
}

const typesOf = async (name: string): Promise<readonly string[]> => {
  const { results } = await box.api.get(`repositories/container/container/?name=${name}`);
  const version = encodeURIComponent(results[0].latest_version_href);
  const manifests = await box.api.get(`content/container/manifests/?repository_version=${version}`);
  return manifests.results.map(({ type }: { type: string }) => type).sort();
};

test("cosign keeps signatures, attestations and inventories under tags of the digest", async () => {
  const image = await push("cosign/tags");
  await client.fails("cosign", "verify", ...VERIFY, image);

  await cosign("sign", ...SIGN, image);
  await cosign("attest", ...SIGN, ...PREDICATE, image);
  await cosign("attach", "sbom", ...PLAIN, ...SBOM, image);

  assert.match(await cosign("verify", ...VERIFY, image), /cosign container image signature/);
  await cosign("verify-attestation", ...VERIFY, "--type", "spdxjson", image);
  assert.match(await cosign("download", "sbom", ...PLAIN, image), /an inventory/);
  const tags = (await client.run("crane", "ls", `${host}/cosign/tags`)).trim().split("\n");
  const companion = image.split("@")[1]?.replace(":", "-");
  assert.deepEqual(
    tags.filter((tag) => tag !== "1").sort(),
    ["att", "sbom", "sig"].map((kind) => `${companion}.${kind}`),
  );
  assert.deepEqual(await typesOf("cosign/tags"), [
    "cosign_attestation",
    "cosign_sbom",
    "cosign_signature",
    "image",
  ]);
});

test("what cosign copies is signed in its new place, and what it cleans is not", async () => {
  const image = await push("cosign/first");
  await cosign("sign", ...SIGN, image);

  await cosign("copy", ...PLAIN, `${host}/cosign/first:1`, `${host}/cosign/second:1`);
  const copied = image.replace("cosign/first", "cosign/second");

  await cosign("verify", ...VERIFY, copied);
  await cosign("clean", ...PLAIN, "--force", "--type", "signature", copied);
  await client.fails("cosign", "verify", ...VERIFY, copied);
  await cosign("verify", ...VERIFY, image);
});

test("cosign keeps signatures, inventories and bundles as referrers", async () => {
  const image = await push("cosign/referrers");
  const asReferrer = ["--registry-referrers-mode", "oci-1-1"] as const;

  await cosign("sign", ...SIGN, ...asReferrer, image);
  await cosign("verify", ...VERIFY, "--experimental-oci11", image);
  await cosign("attach", "sbom", ...PLAIN, ...asReferrer, ...SBOM, image);
  await cosign("attest", ...SIGN, ...PREDICATE, "--new-bundle-format", image);
  await cosign("sign", ...SIGN, "--new-bundle-format", image);

  await cosign("verify", ...VERIFY, ...BUNDLE, image);
  await cosign("verify-attestation", ...VERIFY, ...BUNDLE, "--type", "spdxjson", image);
  const bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
  assert.deepEqual(await artifactTypes(image), [
    "application/vnd.dev.cosign.artifact.sbom.v1+json",
    "application/vnd.dev.cosign.artifact.sig.v1+json",
    ...[bundle, bundle],
  ]);
  assert.match(await cosign("tree", ...PLAIN, "--experimental-oci11", image), /bundle\.v0\.3/);
  assert.equal(await client.run("crane", "ls", `${host}/cosign/referrers`), "1\n");
  const bundles = (await typesOf("cosign/referrers")).filter((type) => type.endsWith("_bundle"));
  assert.equal(bundles.length, 2);
});
