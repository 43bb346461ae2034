import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createFileUpstream, type FileUpstream } from "../support/file-upstream.ts";
import { blackBox } from "./support/black-box.ts";

let upstream: FileUpstream;
const box = blackBox({}, async (_box, stack) => {
  upstream = stack.use(await createFileUpstream(12));
});

/** A file beside the CLI with random bytes; its name and digest. */
async function localFile(name: string, size = 3000): Promise<{ path: string; sha256: string }> {
  const content = randomBytes(size);
  const path = join(box.pulp.folder, name);
  await writeFile(path, content);
  return { path, sha256: createHash("sha256").update(content).digest("hex") };
}

test("a repository is mirrored, published and distributed", async () => {
  const { pulp } = box;
  const remote = ["file", "remote", "create", "--name", "m", "--url", upstream.manifestUrl];
  assert.equal((await pulp.json(...remote, "--policy", "on_demand")).policy, "on_demand");
  const repository = await pulp.json(
    ...["file", "repository", "create", "--name", "r", "--remote", "m"],
    ...["--autopublish", "--retain-repo-versions", "3"],
  );
  assert.equal(repository.retain_repo_versions, 3);
  await pulp.json("file", "repository", "sync", "--repository", "r");
  const version = await pulp.json("file", "repository", "version", "show", "--repository", "r");
  assert.equal(version.number, 1);
  assert.equal(version.content_summary.present["file.file"].count, 12);
  const [publication] = await pulp.json("file", "publication", "list", "--repository", "r");
  assert.equal(publication.repository_version, version.pulp_href);
  const distribution = await pulp.json(
    ...["file", "distribution", "create", "--name", "d", "--base-path", "d"],
    ...["--repository", "r"],
  );
  const [first] = upstream.files;
  const served = await fetch(new URL(`/pulp/content/d/${first?.path}`, box.server.contentUrl));
  assert.equal(
    createHash("sha256")
      .update(Buffer.from(await served.arrayBuffer()))
      .digest("hex"),
    first?.sha256,
  );
  assert.match(distribution.base_url, /\/pulp\/content\/d\/$/);
});

test("remotes are listed, shown, changed, labelled and destroyed", async () => {
  const { pulp } = box;
  await pulp.json("file", "remote", "create", "--name", "m2", "--url", upstream.manifestUrl);
  const listed = await pulp.json("file", "remote", "list", "--name-contains", "m");
  assert.deepEqual(listed.map((each: { name: string }) => each.name).sort(), ["m", "m2"]);
  await pulp.json("file", "remote", "update", "--remote", "m2", "--policy", "streamed");
  assert.equal((await pulp.json("file", "remote", "show", "--remote", "m2")).policy, "streamed");
  const label = ["file", "remote", "label"];
  await pulp.json(...label, "set", "--remote", "m2", "--key", "k", "--value", "v");
  const { stdout } = await pulp.run(...label, "show", "--remote", "m2", "--key", "k");
  assert.equal(stdout.trim(), "v");
  await pulp.json("file", "remote", "destroy", "--remote", "m2");
  assert.match(await pulp.fails("file", "remote", "show", "--remote", "m2"), /Could not find/);
});

test("content is uploaded whole and in chunks, into a repository and alone", async () => {
  const { pulp } = box;
  await pulp.json("file", "repository", "create", "--name", "up");
  const whole = await localFile("whole.bin");
  const upload = ["file", "content", "upload", "--file"];
  const created = await pulp.json(
    ...[...upload, whole.path, "--relative-path", "a/b", "--repository", "up"],
  );
  assert.equal(created.sha256, whole.sha256);
  const chunked = await localFile("chunked.bin", 2_500_000);
  const second = await pulp.json(
    ...[...upload, chunked.path, "--relative-path", "c", "--chunk-size", "1MB"],
  );
  assert.equal(second.sha256, chunked.sha256);
  const artifact = await localFile("artifact.bin");
  const { sha256 } = await pulp.json("artifact", "upload", "--file", artifact.path);
  const third = await pulp.json(
    ...["file", "content", "create", "--sha256", sha256, "--relative-path", "p"],
  );
  assert.equal(third.relative_path, "p");
  const fromUrl = await pulp.json(
    ...["file", "content", "create", "--relative-path", "u"],
    ...["--file-url", `${upstream.url}/${upstream.files[0]?.path}`],
  );
  assert.equal(fromUrl.sha256, upstream.files[0]?.sha256);
  const shown = await pulp.json("file", "content", "show", "--href", third.pulp_href);
  assert.equal(shown.sha256, sha256);
  const listed = await pulp.json("file", "content", "list", "--sha256", sha256);
  assert.equal(listed.length, 1);
});

test("members are added, removed, modified and listed", async () => {
  const { pulp } = box;
  await pulp.json("file", "repository", "create", "--name", "members");
  const units: { readonly sha256: string; readonly relative_path: string }[] = [];
  for (const name of ["x", "y", "z"]) {
    const { path, sha256 } = await localFile(`member-${name}`);
    await pulp.json("file", "content", "upload", "--file", path, "--relative-path", name);
    units.push({ sha256, relative_path: name });
  }
  const content = ["file", "repository", "content"];
  const [x, y, z] = units;
  const select = (unit: (typeof units)[number] | undefined) => [
    ...["--repository", "members", "--sha256", unit?.sha256 ?? ""],
    ...["--relative-path", unit?.relative_path ?? ""],
  ];
  await pulp.json(...content, "add", ...select(x));
  await pulp.json(
    ...[...content, "modify", "--repository", "members"],
    ...["--add-content", JSON.stringify([y, z]), "--remove-content", JSON.stringify([x])],
  );
  await pulp.json(...content, "remove", ...select(z));
  const left = await pulp.json(...content, "list", "--repository", "members");
  assert.deepEqual(
    left.map((each: { relative_path: string }) => each.relative_path),
    ["y"],
  );
  await pulp.json(
    ...[...content, "modify", "--repository", "members", "--base-version", "2"],
    ...["--add-content", JSON.stringify([x])],
  );
  const again = await pulp.json(...content, "list", "--repository", "members");
  assert.equal(again.length, 3);
});

test("versions are listed, shown, repaired and destroyed", async () => {
  const { pulp } = box;
  const version = ["file", "repository", "version"];
  const before_ = await pulp.json(...version, "list", "--repository", "members");
  assert.deepEqual(
    before_.map((each: { number: number }) => each.number),
    [4, 3, 2, 1, 0],
  );
  const repair = await pulp.json(...version, "repair", "--repository", "members", "--version", "2");
  assert.equal(repair.state, "completed");
  await pulp.json(...version, "destroy", "--repository", "members", "--version", "2");
  const numbers = await pulp.json(...version, "list", "--repository", "members");
  assert.deepEqual(
    numbers.map((each: { number: number }) => each.number),
    [4, 3, 1, 0],
  );
});

test("publications and distributions by version, source and checkpoint", async () => {
  const { pulp } = box;
  const publication = await pulp.json(
    ...["file", "publication", "create", "--repository", "members", "--version", "1"],
  );
  assert.match(publication.repository_version, /versions\/1\/$/);
  const make = ["file", "distribution", "create"];
  await pulp.json(
    ...[...make, "--name", "p", "--base-path", "p", "--publication", publication.pulp_href],
  );
  const update = ["file", "distribution", "update", "--distribution", "p"];
  await pulp.json(...update, "--publication", "", "--repository", "file:file:r");
  const changed = await pulp.json("file", "distribution", "show", "--distribution", "p");
  assert.equal(changed.publication, null);
  assert.match(changed.repository, /repositories\/file\/file\//);
  await pulp.json(...["file", "publication", "create", "--repository", "r", "--checkpoint"]);
  await pulp.json(
    ...[...make, "--name", "c", "--base-path", "c", "--repository", "r", "--checkpoint"],
  );
  const listing = await fetch(`${box.server.contentUrl}/pulp/content/c/`);
  assert.match(await listing.text(), /\d{8}T\d{6}Z/);
  await pulp.json("file", "publication", "destroy", "--href", publication.pulp_href);
  await pulp.json("file", "distribution", "destroy", "--distribution", "p");
  assert.equal((await pulp.json("file", "distribution", "list")).length, 2);
});

test("labels of a repository are set, shown, selected and unset", async () => {
  const { pulp } = box;
  const label = ["file", "repository", "label"];
  await pulp.json(...label, "set", "--repository", "r", "--key", "env", "--value", "prod");
  await pulp.json(...label, "set", "--repository", "up", "--key", "old", "--value", "");
  const selected = await pulp.json(
    ...["file", "repository", "list", "--label-select", "env=prod,!old"],
  );
  assert.deepEqual(
    selected.map((each: { name: string }) => each.name),
    ["r"],
  );
  await pulp.json(...label, "unset", "--repository", "r", "--key", "env");
  assert.deepEqual((await pulp.json("file", "repository", "show", "--name", "r")).pulp_labels, {});
});

test("alternate sources are made, extended, refreshed and destroyed", async () => {
  const { pulp } = box;
  await pulp.json(
    ...["file", "remote", "create", "--name", "acs", "--url", `${upstream.url}/`],
    ...["--policy", "on_demand"],
  );
  const acs = await pulp.json(
    ...["file", "acs", "create", "--name", "a", "--remote", "acs", "--path", "PULP_MANIFEST"],
  );
  assert.deepEqual(acs.paths, ["PULP_MANIFEST"]);
  await pulp.json("file", "acs", "path", "add", "--acs", "a", "--path", "other/PULP_MANIFEST");
  assert.equal((await pulp.json("file", "acs", "show", "--acs", "a")).paths.length, 2);
  await pulp.json("file", "acs", "path", "remove", "--acs", "a", "--path", "other/PULP_MANIFEST");
  const refresh = await pulp.json("file", "acs", "refresh", "--acs", "a");
  assert.equal(refresh?.state ?? "completed", "completed");
  await pulp.json("file", "acs", "destroy", "--acs", "a");
});

test("a repository is updated and destroyed", async () => {
  const { pulp } = box;
  await pulp.json("file", "repository", "update", "--repository", "up", "--description", "some");
  assert.equal((await pulp.json("file", "repository", "show", "--name", "up")).description, "some");
  await pulp.json("file", "repository", "destroy", "--repository", "up");
  assert.deepEqual(await pulp.json("file", "repository", "list", "--name-startswith", "up"), []);
});
