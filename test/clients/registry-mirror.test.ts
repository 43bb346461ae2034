import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Server, startServer } from "../support/server.ts";
import { type BlackBox, blackBox } from "./support/black-box.ts";
import { type DockerRegistry, startDockerRegistry } from "./support/docker-registry.ts";
import { writeIndexLayout } from "./support/oci-layout.ts";
import { registryTool } from "./support/registry-tools.ts";

const folder = await mkdtemp(join(tmpdir(), "deckle-registry-mirror-"));
after(() => rm(folder, { recursive: true, force: true }));

/** Registries of others: Debian's, and a second one of ours. */
const upstreams: { docker?: DockerRegistry; deckle?: Server } = {};
const digests = new Map<string, string>();

const box = blackBox({}, arrange);

async function skopeo(...args: readonly string[]): Promise<string> {
  const { status, stdout, output } = await registryTool(
    "skopeo",
    ["--policy", "policy.json", ...args],
    { cwd: folder },
  );
  assert.equal(status, 0, `skopeo ${args.join(" ")}: ${output}`);
  return stdout.trim();
}

const copy = (...args: readonly string[]) =>
  skopeo("copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", ...args);

const layoutOf = (name: string): string => `oci:${name}:${name}`;

async function arrange(_box: BlackBox, stack: AsyncDisposableStack): Promise<void> {
  const policy = { default: [{ type: "insecureAcceptAnything" }] };
  await writeFile(join(folder, "policy.json"), JSON.stringify(policy));
  for (const name of ["one", "two", "three"]) {
    await mkdir(join(folder, name), { recursive: true });
    const architectures = ["amd64", "arm64"];
    const { digest } = await writeIndexLayout(join(folder, name), { name, architectures });
    digests.set(name, digest);
  }
  const [docker, deckle] = await Promise.all([startDockerRegistry(), startServer()]);
  upstreams.docker = stack.use(docker);
  upstreams.deckle = stack.use(deckle);
  for (const { host, creds } of [ofDocker(), ofDeckle()])
    for (const name of ["one", "two"])
      await copy("--dest-creds", creds, layoutOf(name), `docker://${host}/team/app:${name}`);
}

interface Place {
  readonly url: string;
  readonly host: string;
  readonly username: string;
  readonly password: string;
  readonly creds: string;
}

function place(url: string, { username, password }: { username: string; password: string }): Place {
  const { host } = new URL(url);
  return { url, host, username, password, creds: `${username}:${password}` };
}

function ofDocker(): Place {
  if (!upstreams.docker) throw new Error("docker-registry is not started.");
  return place(`http://${upstreams.docker.host}`, upstreams.docker);
}

function ofDeckle(): Place {
  if (!upstreams.deckle) throw new Error("The upstream is not started.");
  return place(upstreams.deckle.apiUrl, upstreams.deckle);
}

const own = (): Place => place(box.server.apiUrl, box.server);

const inspected = async (image: string): Promise<string> => {
  const flags = ["--tls-verify=false", "--creds", own().creds];
  return JSON.parse(await skopeo("inspect", ...flags, `docker://${own().host}/${image}`)).Digest;
};

for (const [kind, upstream] of [
  ["docker-registry", ofDocker],
  ["another Deckle", ofDeckle],
] as const) {
  const name = kind.replace(/\W+/g, "-").toLowerCase();

  test(`a repository of ${kind} is mirrored, and skopeo copies from the mirror`, async () => {
    const { pulp, api } = box;
    const container = (...args: readonly string[]) => pulp.json("container", ...args);
    const { url, username, password } = upstream();
    await container(
      ...["remote", "create", "--name", name, "--url", url, "--upstream-name", "team/app"],
      ...["--username", username, "--password", password, "--policy", "on_demand"],
    );
    await container("repository", "create", "--name", name, "--remote", name);
    await container("repository", "sync", "--name", name);
    await container(
      ...["distribution", "create", "--name", name, "--base-path", `mirrors/${name}`],
      ...["--repository", name],
    );

    const version = await container("repository", "version", "show", "--repository", name);
    assert.equal(version.content_summary.present["container.tag"].count, 2);
    assert.equal(version.content_summary.present["container.manifest"].count, 6);
    assert.equal(await inspected(`mirrors/${name}:one`), digests.get("one"));
    await copy(
      ...["--src-creds", own().creds],
      ...[`docker://${own().host}/mirrors/${name}:two`, `oci:back-${name}:two`],
    );
    const index = JSON.parse(await readFile(join(folder, `back-${name}/index.json`), "utf8"));
    assert.equal(index.manifests[0].digest, digests.get("two"));

    const [repository] = (await api.get(`repositories/container/container/?name=${name}`)).results;
    const body = { remote: repository.remote, mirror: true };
    const again = await api.done(await api.post(`${repository.pulp_href}sync/`, body));
    assert.equal(again.result, null, "nothing is new");
    await copy(
      "--dest-creds",
      upstream().creds,
      layoutOf("three"),
      `docker://${upstream().host}/team/app:three`,
    );
    const third = await api.done(await api.post(`${repository.pulp_href}sync/`, body));
    assert.equal(third.result.number, 2);
    assert.equal(third.result.pulp_href, `${repository.pulp_href}versions/2/`);
    assert.deepEqual(await api.get(third.result.pulp_href), third.result);
    assert.equal(await inspected(`mirrors/${name}:three`), digests.get("three"));
  });

  test(`images are pulled through a cache of ${kind}`, async () => {
    const { api } = box;
    const { url, username, password } = upstream();
    const remote = await api.post("remotes/container/pull-through/", {
      ...{ name: `through-${name}`, url, username, password },
    });
    await api.done(
      await api.post("distributions/container/pull-through/", {
        ...{ name: `through-${name}`, base_path: `cache-${name}`, remote: remote.pulp_href },
      }),
    );
    const image = `cache-${name}/team/app`;
    await copy(
      ...["--src-creds", own().creds],
      ...[`docker://${own().host}/${image}:one`, `oci:pulled-${name}:one`],
    );
    const index = JSON.parse(await readFile(join(folder, `pulled-${name}/index.json`), "utf8"));
    assert.equal(index.manifests[0].digest, digests.get("one"));
    const { results } = await api.get(`distributions/container/container/?base_path=${image}`);
    assert.equal(results.length, 1);
    assert.notEqual(results[0].remote, null);
    const pushed = await registryTool(
      "skopeo",
      [
        ...["--policy", "policy.json", "copy", "--dest-tls-verify=false"],
        ...["--dest-creds", own().creds, layoutOf("two"), `docker://${own().host}/${image}:mine`],
      ],
      { cwd: folder },
    );
    assert.notEqual(pushed.status, 0, "nobody pushes into a cache");
  });
}

test("what a cache has is served on while its upstream is away", async () => {
  await upstreams.docker?.stop();
  const image = "cache-docker-registry/team/app:one";
  assert.equal(await inspected(image), digests.get("one"));
});

test("skopeo sync takes a mirrored repository along", async () => {
  const { creds, host } = own();
  await mkdir(join(folder, "synced"), { recursive: true });
  await skopeo(
    ...["sync", "--all", "--src-tls-verify=false", "--src-creds", creds, "--src", "docker"],
    ...["--dest", "dir", `${host}/mirrors/another-deckle`, "synced"],
  );
  const synced = (await readdir(join(folder, "synced"))).sort();
  assert.deepEqual(synced, ["another-deckle:one", "another-deckle:three", "another-deckle:two"]);
});
