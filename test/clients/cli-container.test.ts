import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { blackBox } from "./support/black-box.ts";
import { python } from "./support/python.ts";

/** Passwords instead of tokens, so that pushes need nothing but HTTP. */
const box = blackBox({ env: { PULP_TOKEN_AUTH_DISABLED: "true" } }, async () => {
  for (const [tag, layer] of Object.entries({ "1.0": "one", "1.1": "two", latest: "three" }))
    digests.set(tag, await push("foo/bar", tag, layer));
  await pulp("repository", "create", "--name", "r");
});

const digests = new Map<string, string>();
const digestOf = (tag: string): string => digests.get(tag) ?? assert.fail(tag);

const pulp = (...args: readonly string[]) => box.pulp.json("container", ...args);

const sha256 = (text: string): string => `sha256:${hash("sha256", text)}`;
const OCI = "application/vnd.oci.image";

/** Pushes an image as clients of the registry do; returns the digest of its manifest. */
async function push(name: string, tag: string, layer: string): Promise<string> {
  const send = async (method: string, path: string, body: string, type: string) => {
    const headers = { "content-type": type };
    const answer = await box.api.request(method, `/v2/${name}/${path}`, { body, headers });
    assert.equal(answer.status, 201, await answer.text());
  };
  const blob = async (mediaType: string, text: string) => {
    const digest = sha256(text);
    await send("POST", `blobs/uploads/?digest=${digest}`, text, "application/octet-stream");
    return { mediaType, digest, size: Buffer.byteLength(text) };
  };
  const config = await blob(
    `${OCI}.config.v1+json`,
    JSON.stringify({ architecture: "amd64", os: "linux", config: { Labels: { layer } } }),
  );
  const layers = [await blob(`${OCI}.layer.v1.tar+gzip`, layer)];
  const mediaType = `${OCI}.manifest.v1+json`;
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers });
  await send("PUT", `manifests/${tag}`, manifest, mediaType);
  return sha256(manifest);
}

const tagsOf = async (repository: string): Promise<string[]> => {
  const content = ["repository", "content", "list", "--repository", repository, "--all-types"];
  const units = await pulp(...content);
  const href = units.map(({ pulp_href }: { pulp_href: string }) => pulp_href);
  const tags = await pulp("content", "--type", "tag", "list", "--limit", "100");
  return tags
    .filter((tag: { pulp_href: string }) => href.includes(tag.pulp_href))
    .map(({ name }: { name: string }) => name)
    .sort();
};

test("what was pushed is listed, by digest, name and repository", async () => {
  const [repository] = (await pulp("repository", "list", "--limit", "10")).filter(
    ({ name }: { name: string }) => name === "foo/bar",
  );
  assert.ok(repository.latest_version_href);
  const digest = digestOf("1.0");
  const [manifest] = await pulp("content", "-t", "manifest", "list", "--digest", digest);
  assert.deepEqual(manifest.labels, { layer: "one" });
  const shown = await pulp("content", "-t", "manifest", "show", "--digest", digest);
  assert.equal(shown.pulp_href, manifest.pulp_href);
  const [tag] = await pulp("content", "-t", "tag", "list", "--name", "1.1");
  const two = await pulp("content", "-t", "manifest", "show", "--digest", digestOf("1.1"));
  assert.equal(tag.tagged_manifest, two.pulp_href);
  const blob = await pulp("content", "-t", "blob", "show", "--digest", sha256("one"));
  await pulp("content", "label", "set", "--href", blob.pulp_href, "--key", "k", "--value", "v");
  const version = ["repository", "version", "list", "--repository", "foo/bar"];
  assert.ok((await pulp(...version)).length >= 4);
  const distribution = await pulp("distribution", "show", "--name", "foo/bar");
  assert.equal(distribution.registry_path, `${new URL(box.server.apiUrl).host}/foo/bar`);
});

test("remotes with filters, and a repository that takes of them what they select", async () => {
  const { username, password, apiUrl } = box.server;
  const remote = await pulp(
    ...["remote", "create", "--name", "m", "--url", apiUrl, "--upstream-name", "foo/bar"],
    ...["--include-tags", '["1*"]', "--exclude-tags", '["1.1"]', "--policy", "on_demand"],
    ...["--username", username, "--password", password],
  );
  assert.deepEqual([remote.include_tags, remote.includes], [["1*"], ["1*"]]);
  await pulp("repository", "create", "--name", "mirror", "--remote", "m");

  await pulp("repository", "sync", "--name", "mirror");
  assert.deepEqual(await tagsOf("mirror"), ["1.0"]);
  await pulp("remote", "update", "--name", "m", "--exclude-tags", "[]");
  await pulp("repository", "sync", "--name", "mirror", "--remote", "m");
  assert.deepEqual(await tagsOf("mirror"), ["1.0", "1.1"]);

  await pulp("remote", "label", "set", "--remote", "m", "--key", "k", "--value", "v");
  await pulp("repository", "destroy", "--name", "mirror");
  await pulp("remote", "destroy", "--name", "m");
});

test("content is tagged, copied, added and removed", async () => {
  const digest = digestOf("1.0");
  const manifest = await pulp("content", "-t", "manifest", "show", "--digest", digest);
  const content = ["--repository", "r", "--href", manifest.pulp_href];
  await pulp("repository", "content", "add", ...content);
  await pulp("repository", "tag", "--name", "r", "--tag", "mine", "--digest", digest);
  assert.deepEqual(await tagsOf("r"), ["mine"]);
  await pulp("repository", "untag", "--name", "r", "--tag", "mine");
  assert.deepEqual(await tagsOf("r"), []);
  const source = ["--name", "r", "--source", "foo/bar"];
  await pulp("repository", "copy-tag", ...source, "--tag", "1.0", "--tag", "latest");
  assert.deepEqual(await tagsOf("r"), ["1.0", "latest"]);
  await pulp("repository", "copy-manifest", ...source, "--digest", digestOf("1.1"));
  const list = () => pulp("repository", "content", "list", "--repository", "r", "--all-types");
  const before = (await list()).length;
  const { pulp_href: other } = await pulp(
    ...["content", "-t", "manifest", "show", "--digest", digestOf("1.1")],
  );
  await pulp("repository", "content", "remove", "--repository", "r", "--href", other);
  assert.ok((await list()).length < before);
  await pulp("repository", "content", "remove", "--repository", "r", "--all");
  assert.deepEqual(await list(), []);
});

test("distributions, namespaces and their roles", async () => {
  const create = ["distribution", "create", "--name", "d", "--base-path", "team/app"];
  const made = await pulp(...create, "--repository", "foo/bar", "--private");
  assert.equal(made.private, true);
  await pulp("distribution", "update", "--name", "d", "--version", "1");
  const pinned = await pulp("distribution", "show", "--name", "d");
  assert.match(pinned.repository_version, /versions\/1\/$/);
  await pulp("distribution", "label", "set", "--distribution", "d", "--key", "k", "--value", "v");
  const namespaces = await pulp("namespace", "list");
  assert.ok(namespaces.some(({ name }: { name: string }) => name === "team"));
  const role = ["--name", "team", "--role", "container.containernamespace_collaborator"];
  await box.pulp.json("user", "create", "--username", "alice", "--password", "correct-horse-1");
  await pulp("namespace", "role", "add", ...role, "--user", "alice");
  const { roles } = await pulp("namespace", "role", "list", "--name", "team");
  assert.ok(roles.some(({ users }: { users: string[] }) => users.includes("alice")));
  await pulp("namespace", "destroy", "--name", "team");
  assert.match(
    await box.pulp.fails("container", "distribution", "show", "--name", "d"),
    /Could not find/,
  );
});

test("repositories of old pushes only have what they had", async () => {
  assert.deepEqual(await pulp("repository", "-t", "push", "list"), []);
  assert.match(
    await box.pulp.fails(...["container", "repository", "-t", "push", "show", "--name", "x"]),
    /Could not find/,
  );
});

test("the generated bindings create, copy, tag, distribute and delete", () => {
  const { apiUrl, username, password } = box.server;
  const script = join(import.meta.dirname, "container_bindings.py");
  const { stdout } = python(script, [apiUrl, username, password, digestOf("1.0")]);
  assert.match(stdout, /all expectations met/);
});
