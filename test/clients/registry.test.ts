import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type BlackBox, blackBox } from "./support/black-box.ts";
import { writeIndexLayout } from "./support/oci-layout.ts";
import type { ToolResult } from "./support/python-tools.ts";
import { registryTool } from "./support/registry-tools.ts";

const box = blackBox({}, arrange);
const folder = await mkdtemp(join(tmpdir(), "deckle-registry-"));
after(() => rm(folder, { recursive: true, force: true }));

/** Storage without mounts, so that it works wherever tests run. */
const STORAGE = `[storage]
driver = "vfs"
runroot = "${folder}/run"
graphroot = "${folder}/graph"
`;
const POLICY = { default: [{ type: "insecureAcceptAnything" }] };
const NO_TLS = "--tls-verify=false";

const run = (name: string, args: readonly string[]) =>
  registryTool(name, args, {
    cwd: folder,
    env: {
      CONTAINERS_STORAGE_CONF: join(folder, "storage.conf"),
      XDG_RUNTIME_DIR: folder,
      // These would look into the files of those who log in elsewhere.
      ...(/^(podman|buildah)$/.test(name) ? { HOME: join(folder, "home") } : {}),
    },
  });

/** What a client wrote to its standard output; it has to succeed. */
async function passed(name: string, ...args: readonly string[]): Promise<string> {
  const result = await run(name, args);
  assert.equal(result.status, 0, `${name} ${args.join(" ")}: ${result.output}`);
  return result.stdout.trim();
}

const failed = async (name: string, ...args: readonly string[]): Promise<ToolResult> => {
  const result = await run(name, args);
  assert.notEqual(result.status, 0, `${name} ${args.join(" ")} did not fail`);
  return result;
};

const skopeo = (...args: readonly string[]) => passed("skopeo", "--policy", "policy.json", ...args);
const copy = (...args: readonly string[]) =>
  skopeo("copy", "--src-tls-verify=false", "--dest-tls-verify=false", ...args);

const sha256 = (text: string): string => `sha256:${hash("sha256", text)}`;

let host = "";
let multi = "";

async function arrange({ server }: BlackBox): Promise<void> {
  host = new URL(server.apiUrl).host;
  await writeFile(join(folder, "storage.conf"), STORAGE);
  await writeFile(join(folder, "policy.json"), JSON.stringify(POLICY));
  await mkdir(join(folder, "home/.config/containers"), { recursive: true });
  await writeFile(join(folder, "home/.config/containers/policy.json"), JSON.stringify(POLICY));
  const architectures = ["amd64", "arm64"];
  const layout = await writeIndexLayout(join(folder, "layout"), { name: "multi", architectures });
  multi = layout.digest;
  const { username, password } = box.server;
  await passed("skopeo", "login", NO_TLS, "-u", username, "-p", password, host);
  await passed("crane", "auth", "login", host, "-u", username, "-p", password);
  await passed("oras", "login", "--plain-http", "-u", username, "-p", password, host);
  await passed("helm", "registry", "login", "--plain-http", "-u", username, "-p", password, host);
}

test("skopeo copies images of several machines to and fro, and their digests stay", async () => {
  const [first, second] = [`docker://${host}/skopeo/multi:1`, `docker://${host}/other/multi:1`];
  await copy("--all", "oci:layout:multi", first);
  await copy("--all", first, second);
  await copy("--all", "--preserve-digests", second, "oci:back:multi");

  const index = JSON.parse(await readFile(join(folder, "back/index.json"), "utf8"));
  assert.equal(index.manifests[0].digest, multi);
  assert.match(await skopeo("inspect", NO_TLS, first), /"Architecture": "amd64"/);
  assert.deepEqual(
    JSON.parse(await skopeo("list-tags", NO_TLS, `docker://${host}/skopeo/multi`)).Tags,
    ["1"],
  );
  await skopeo("delete", NO_TLS, second);
  assert.match((await failed("skopeo", "inspect", NO_TLS, second)).output, /manifest unknown/i);
});

test("skopeo mirrors fifty repositories", async () => {
  const names = Array.from({ length: 50 }, (_, n) => `repository-${n}`);
  await copy("--all", "oci:layout:multi", `docker://${host}/sync/${names[0]}:1`);
  const images = Object.fromEntries(names.map((name) => [`sync/${name}`, ["1"]]));
  // The others are mounted from the first: no bytes are sent.
  const target = (name: string) => `${host}/sync/${name}:1`;
  for (const name of names.slice(1)) {
    await passed("crane", "copy", "--insecure", target(names[0] ?? ""), target(name));
  }
  const list = JSON.stringify({ [host]: { "tls-verify": false, images } });
  await writeFile(join(folder, "sync.yaml"), list);

  await skopeo(
    ...["sync", "--all", "--src", "yaml", "--dest", "docker", "--dest-tls-verify=false"],
    ...["sync.yaml", `${host}/mirrored`],
  );

  const catalog = (await passed("crane", "catalog", "--insecure", host)).split("\n");
  const mirrored = catalog.filter((name) => name.startsWith("mirrored/"));
  assert.equal(mirrored.length, 50);
});

test("crane pulls, pushes, changes, lists and deletes", async () => {
  const image = (tag: string) => `${host}/crane/app:${tag}`;
  await passed("crane", "copy", "--insecure", `${host}/skopeo/multi:1`, image("multi"));
  await passed("crane", "pull", "--insecure", image("multi"), "image.tar");
  await passed("crane", "push", "--insecure", "image.tar", image("1"));
  await passed("crane", "mutate", "--insecure", "--label", "a=b", image("1"), "-t", image("2"));
  await writeFile(join(folder, "more.tar"), Buffer.alloc(10_240));
  await passed(
    "crane",
    "append",
    "--insecure",
    "-f",
    "more.tar",
    "-b",
    image("1"),
    "-t",
    image("3"),
  );
  await passed("crane", "tag", "--insecure", image("3"), "latest");

  assert.equal(await passed("crane", "digest", "--insecure", image("multi")), multi);
  const tags = await passed("crane", "ls", "--insecure", `${host}/crane/app`);
  assert.deepEqual(tags.split("\n").sort(), ["1", "2", "3", "latest", "multi"]);
  const config = JSON.parse(await passed("crane", "config", "--insecure", image("2")));
  assert.deepEqual(config.config.Labels, { a: "b" });
  const digest = await passed("crane", "digest", "--insecure", image("3"));
  await passed("crane", "delete", "--insecure", `${host}/crane/app@${digest}`);
  const left = await passed("crane", "ls", "--insecure", `${host}/crane/app`);
  assert.deepEqual(left.split("\n").sort(), ["1", "2", "multi"]);
});

test("oras pushes artifacts, attaches to them, finds and copies what is attached", async () => {
  const [one, two] = [`${host}/oras/one`, `${host}/oras/two`];
  const oras = (...args: readonly string[]) => passed("oras", ...args);
  await writeFile(join(folder, "data.json"), '{"a":1}');
  await writeFile(join(folder, "sbom.txt"), "parts");
  const type = ["--plain-http", "--artifact-type"];
  await oras("push", ...type, "application/x.app", `${one}:1`, "data.json:application/json");
  await oras("attach", ...type, "application/x.sbom", `${one}:1`, "sbom.txt:text/plain");
  await oras("attach", ...type, "application/x.scan", `${one}:1`, "sbom.txt:text/plain");
  await oras("cp", "-r", "--from-plain-http", "--to-plain-http", `${one}:1`, `${two}:1`);

  const found = await oras(
    "discover",
    ...type,
    "application/x.sbom",
    "--format",
    "json",
    `${two}:1`,
  );
  const { referrers, manifests } = JSON.parse(found);
  assert.equal((referrers ?? manifests).length, 1);
  await oras("pull", "--plain-http", "-o", "pulled", `${two}:1`);
  assert.equal(await readFile(join(folder, "pulled/data.json"), "utf8"), '{"a":1}');
  await writeFile(join(folder, "blob"), "a blob");
  await oras("blob", "push", "--plain-http", one, "blob");
  const blob = `${one}@${sha256("a blob")}`;
  assert.equal(await oras("blob", "fetch", "--plain-http", "-o", "-", blob), "a blob");
  await oras("blob", "delete", "--plain-http", "--force", blob);
  await failed("oras", "blob", "fetch", "--plain-http", "-o", "-", blob);
  assert.equal(await oras("repo", "tags", "--plain-http", one), "1");
  await oras("manifest", "fetch", "--plain-http", "-o", "manifest.json", `${one}:1`);
  await oras("manifest", "push", "--plain-http", `${one}:2,3`, "manifest.json");
  assert.equal(await oras("repo", "tags", "--plain-http", one), "1\n2\n3");
});

test("helm pushes charts and finds them by version", async () => {
  await passed("helm", "create", "chart");
  await passed("helm", "package", "chart", "--version", "1.0.0+build.1");
  await passed("helm", "push", "--plain-http", "chart-1.0.0+build.1.tgz", `oci://${host}/charts`);

  const chart = `oci://${host}/charts/chart`;
  await passed("helm", "pull", "--plain-http", chart, "--version", "1.0.0+build.1", "-d", ".");
  const shown = await passed("helm", "show", "chart", "--plain-http", chart);
  assert.match(shown, /version: 1\.0\.0\+build\.1/);
});

test("podman and buildah build, push, pull and search", async () => {
  const { username, password } = box.server;
  const image = `${host}/podman/app:1`;
  await passed("podman", "login", NO_TLS, "-u", username, "-p", password, host);
  await mkdir(join(folder, "context"), { recursive: true });
  await writeFile(join(folder, "context/data"), "built");
  await writeFile(join(folder, "context/Containerfile"), "FROM scratch\nCOPY data /data\n");
  await passed("buildah", "bud", "--isolation", "chroot", "-t", "app", "context");
  await passed("podman", "push", NO_TLS, "app", image);
  await passed("podman", "push", NO_TLS, "app", image);
  await passed("buildah", "push", NO_TLS, "app", `docker://${host}/podman/again:1`);
  await passed("podman", "rmi", "--all", "--force");
  await passed("podman", "pull", NO_TLS, image);

  assert.match(await passed("podman", "images"), /podman\/app/);
  assert.match(await passed("podman", "search", NO_TLS, `${host}/podman/`), /podman\/again/);
  await passed("podman", "manifest", "create", "list");
  await passed("podman", "manifest", "add", NO_TLS, "list", `docker://${image}`);
  for (const format of ["oci", "v2s2"]) {
    const target = `docker://${host}/podman/list:${format}`;
    await passed("podman", "manifest", "push", NO_TLS, "--all", "--format", format, "list", target);
  }
  const tags = await passed("crane", "ls", "--insecure", `${host}/podman/list`);
  assert.deepEqual(tags.split("\n").sort(), ["oci", "v2s2"]);
  await passed("podman", "logout", host);
  await passed("podman", "pull", NO_TLS, image);
  await failed("podman", "push", NO_TLS, image);
});
