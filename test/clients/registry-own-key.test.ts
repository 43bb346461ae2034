import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { repositoryRoot } from "../support/server.ts";
import { blackBox } from "./support/black-box.ts";
import { ImageClient } from "./support/image-clients.ts";

const REPOSITORIES = "repositories/container/container/";
const PLAIN = ["--src-tls-verify=false", "--dest-tls-verify=false"] as const;

let host: string;
let client: ImageClient;
const stack = new AsyncDisposableStack();
const box = blackBox({}, async ({ server: { apiUrl, username, password } }) => {
  host = new URL(apiUrl).host;
  client = stack.use(await ImageClient.create());
  await client.run("crane", "auth", "login", host, "-u", username, "-p", password);
});
after(() => stack.disposeAsync());

/** `pulpcore-manager` on the data folder of the started server; its standard output. */
async function manage(...words: readonly string[]): Promise<string> {
  const program = join(repositoryRoot, "src/bin/manager.ts");
  const parameters = [program, "--home", box.server.home, ...words];
  return (await promisify(execFile)(process.execPath, parameters)).stdout;
}

/** The address of a service that keeps its own key, whose public part goes to a file. */
async function service(name: string): Promise<string> {
  const kind = ["--class", "container:ManifestSigningService"] as const;
  const userId = `${name} <${name}@example.org>`;
  const told = await manage("add-signing-service", name, "--own-key", userId, ...kind);
  const [block = ""] = /-----BEGIN[\s\S]+END PGP PUBLIC KEY BLOCK-----\n/.exec(told) ?? [];
  await writeFile(client.path(`${name}.asc`), block);
  const { results } = await box.api.get(`signing-services/?name=${name}`);
  assert.equal(results[0].script, "");
  assert.equal(results[0].public_key, block);
  return results[0].pulp_href;
}

/** A client that takes images of this registry only with a signature of the key. */
async function strict(name: string): Promise<readonly string[]> {
  const keyPath = client.path(`${name}.asc`);
  const transports = { docker: { [host]: [{ type: "signedBy", keyType: "GPGKeys", keyPath }] } };
  const policy = client.path(`${name}.json`);
  await writeFile(policy, JSON.stringify({ default: [{ type: "reject" }], transports }));
  return ["--registries.d", client.path("registries.d"), "--policy", policy, "copy", ...PLAIN];
}

test("an image that the server signed is taken by who trusts its key, and by nobody else", async () => {
  const { api } = box;
  const release = await service("release");
  await service("other");
  const image = `${host}/own/app:1`;
  await client.pushImage(image);
  const taken = [...(await strict("release")), `docker://${image}`, "dir:taken"] as const;
  await client.fails("skopeo", ...taken);

  const { results } = await api.get(`${REPOSITORIES}?name=own/app`);
  const href = results[0].pulp_href;
  await api.done(await api.post(`${href}sign/`, { manifest_signing_service: release }));

  await client.run("skopeo", ...taken);
  assert.ok((await readdir(client.path("taken"))).includes("signature-1"));
  const others = await strict("other");
  await client.fails("skopeo", ...others, `docker://${image}`, "dir:refused");
  // Under another name it has not been signed.
  await client.run("crane", "copy", image, `${host}/own/renamed:1`);
  const renamed = `docker://${host}/own/renamed:1`;
  await client.fails("skopeo", ...(await strict("release")), renamed, "dir:renamed");
  const before = (await api.get(href)).latest_version_href;
  await api.done(await api.post(`${href}sign/`, { manifest_signing_service: release }));
  assert.equal((await api.get(href)).latest_version_href, before, "nothing is signed twice");
});
