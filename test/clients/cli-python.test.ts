import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { attestation } from "../plugins/python/attestation.ts";
import { type Distribution, sdist, wheel } from "../plugins/python/distributions.ts";
import { blackBox } from "./support/black-box.ts";

/** A database of advisories that knows of none. */
const advisories = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  const { queries } = JSON.parse(Buffer.concat(parts).toString());
  response.end(JSON.stringify({ results: queries.map(() => ({})) }));
}).listen(0, "127.0.0.1");
await once(advisories, "listening");
advisories.unref();
const { port } = advisories.address() as AddressInfo;

const env = { PULP_OSV_API_URL: `http://127.0.0.1:${port}` };
const box = blackBox({ env }, async ({ pulp: cli }) => {
  await cli.json("python", "repository", "create", "--name", "foo");
});

const WHEEL = wheel({ headers: ["Summary: Reads shelves", "Requires-Python: >=3.8"] });
const SDIST = sdist();

/** A file beside the CLI. */
async function localFile(name: string, content: string | Buffer): Promise<string> {
  const path = join(box.pulp.folder, name);
  await writeFile(path, content);
  return path;
}

const upload = async ({ filename, bytes }: Distribution, ...more: readonly string[]) =>
  box.pulp.json(
    ...["python", "content", "upload", "--relative-path", filename],
    ...["--file", await localFile(filename, bytes), ...more],
  );

const pulp = (...args: readonly string[]) => box.pulp.json("python", ...args);

test("packages are uploaded, found and shown", async () => {
  const made = await upload(WHEEL, "--repository", "foo");
  assert.equal(made.filename, WHEEL.filename);
  assert.equal(made.sha256, WHEEL.sha256);
  const other = await pulp(
    ...["content", "create", "--relative-path", SDIST.filename],
    ...["--file", await localFile(SDIST.filename, SDIST.bytes)],
  );
  const listed = await pulp("content", "list", "--name", "Shelf.Reader", "--ordering", "filename");
  assert.deepEqual(
    listed.map(({ filename }: { filename: string }) => filename),
    [WHEEL.filename, SDIST.filename],
  );
  const source = await pulp("content", "list", "--packagetype", "sdist", "--field", "pulp_href");
  assert.deepEqual(source, [{ pulp_href: other.pulp_href }]);
  const shown = await pulp("content", "show", "--href", made.pulp_href);
  assert.equal(shown.summary, "Reads shelves");
  const inVersion = await pulp("repository", "content", "list", "--repository", "foo");
  assert.equal(inVersion.length, 1);
});

test("content joins and leaves a repository", async () => {
  const change = ["--repository", "foo", "--sha256", SDIST.sha256, "--filename", SDIST.filename];
  await upload(SDIST);
  await pulp("repository", "content", "add", ...change);
  const list = () => pulp("repository", "content", "list", "--repository", "foo");
  assert.equal((await list()).length, 2);
  await pulp("repository", "content", "remove", ...change);
  assert.equal((await list()).length, 1);
  const label = ["--href", (await list())[0].pulp_href, "--key", "k", "--value", "v"];
  await pulp("content", "label", "set", ...label);
});

test("attestations and provenance go with packages", async () => {
  const file = wheel({ version: "0.3" });
  const statement = await localFile("a.json", JSON.stringify(attestation(file)));
  await upload(file, "--repository", "foo", "--attestation", `@${statement}`);
  const other = wheel({ version: "0.4" });
  const { pulp_href } = await upload(other, "--repository", "foo");
  const bundle = { publisher: { kind: "Test" }, attestations: [attestation(other)] };
  const provenance = { version: 1, attestation_bundles: [bundle] };
  const made = await pulp(
    ...["content", "--type", "provenance", "create", "--package", other.sha256],
    ...["--file", await localFile("p.json", JSON.stringify(provenance)), "--repository", "foo"],
  );
  assert.equal(made.package, pulp_href);
  assert.deepEqual(made.provenance, provenance);
  const all = await pulp("content", "--type", "provenance", "list");
  assert.equal(all.length, 2);
  const wrong = await box.pulp.fails(
    ...["python", "content", "--type", "provenance", "create", "--package", WHEEL.sha256],
    ...["--file", join(box.pulp.folder, "p.json")],
  );
  assert.match(wrong, /Provenance verification failed/);
});

test("remotes are made, changed, labelled and destroyed", async () => {
  const remote = await pulp(
    ...["remote", "create", "--name", "r", "--url", "https://upstream.example/"],
    ...["--includes", '["Django~=4.2"]', "--package-types", '["sdist"]'],
    ...["--exclude-platforms", '["windows"]', "--keep-latest-packages", "5", "--provenance"],
  );
  assert.equal(remote.policy, "on_demand");
  assert.deepEqual(remote.includes, ["Django~=4.2"]);
  assert.equal(remote.provenance, true);
  await pulp("remote", "update", "--remote", "r", "--prereleases", "false", "--includes", "[]");
  const shown = await pulp("remote", "show", "--remote", "r");
  assert.deepEqual([shown.includes, shown.prereleases], [[], false]);
  await pulp("remote", "label", "set", "--remote", "r", "--key", "k", "--value", "v");
  assert.equal((await pulp("remote", "list", "--label-select", "k=v")).length, 1);
  const bad = ["python", "remote", "update", "--remote", "r", "--package-types", '["rpm"]'];
  assert.match(await box.pulp.fails(...bad), /is expected to be one of/);
  const odd = ["python", "remote", "update", "--remote", "r", "--excludes", '["a b"]'];
  assert.match(await box.pulp.fails(...odd), /excludes specifier a b is invalid/);
  await pulp("remote", "destroy", "--remote", "r");
  assert.deepEqual(await pulp("remote", "list", "--name", "r"), []);
});

test("repositories keep their rules", async () => {
  const strict = await pulp("repository", "create", "--name", "s", "--block-package-substitution");
  assert.equal(strict.allow_package_substitution, false);
  await upload(sdist({ version: "9" }), "--repository", "s");
  const again = sdist({ version: "9", salt: "2" });
  const refused = await box.pulp.fails(
    ...["python", "content", "upload", "--relative-path", again.filename, "--repository", "s"],
    ...["--file", await localFile("again", again.bytes)],
  );
  assert.match(refused, /Found duplicate packages being added/);
  const change = ["--repository", "s", "--no-error-on-reject", "--autopublish"];
  await pulp("repository", "update", ...change);
  const shown = await pulp("repository", "show", "--repository", "s");
  assert.deepEqual([shown.error_on_reject, shown.autopublish], [false, true]);
  await pulp("repository", "repair-metadata", "--repository", "s");
  const versions = await pulp("repository", "version", "list", "--repository", "s");
  assert.equal(versions.length, 2);
  await pulp("repository", "version", "scan", "--repository", "s", "--version", "1");
  await pulp("repository", "version", "repair", "--repository", "s", "--version", "1");
  await pulp("repository", "destroy", "--repository", "s");
});

test("a blocklist keeps packages out", async () => {
  await pulp("repository", "create", "--name", "b");
  const blocklist = (command: string, ...more: readonly string[]) =>
    pulp("repository", "blocklist", command, "--repository", "b", ...more);
  const entry = await blocklist("add", "--name", "Shelf.Reader", "--version", "0.1");
  assert.equal(entry.name, "shelf-reader");
  await blocklist("add", "--filename", "bad-1.tar.gz");
  assert.equal((await blocklist("list")).length, 2);
  const named = ["--name", "shelf-reader", "--version", "0.1"];
  assert.deepEqual(await blocklist("show", ...named), entry);
  const refused = await box.pulp.fails(
    ...["python", "repository", "content", "add", "--repository", "b", "--sha256", WHEEL.sha256],
  );
  assert.match(refused, /Blocklisted packages cannot be added to this repository: shelf_reader-0/);
  await blocklist("remove", ...named);
  await pulp("repository", "content", "add", "--repository", "b", "--sha256", WHEEL.sha256);
});

test("a distribution serves files and the metadata beside them, and a publication its pages", async () => {
  const distribution = await pulp(
    ...["distribution", "create", "--name", "d", "--base-path", "d", "--repository", "foo"],
  );
  assert.match(distribution.base_url, /\/pypi\/d\/$/);
  const get = async (path: string) => {
    const answer = await fetch(new URL(`/pulp/content/${path}`, box.server.contentUrl));
    return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
  };
  const { body } = await get(`d/${WHEEL.filename}`);
  assert.equal(createHash("sha256").update(body).digest("hex"), WHEEL.sha256);
  assert.equal((await get(`d/${WHEEL.filename}.metadata`)).body.toString(), WHEEL.metadata);
  assert.equal((await get("d/simple/")).status, 404);
  assert.match((await get("d/")).body.toString(), /shelf_reader-0\.1-py3/);
  const { pulp_href } = await pulp("publication", "create", "--repository", "foo");
  const create = ["distribution", "create", "--name", "p", "--base-path", "p"];
  await pulp(...create, "--publication", pulp_href, "--block-uploads");
  const page = (await get("p/simple/shelf-reader/")).body.toString();
  assert.match(page, new RegExp(`href="\\.\\./\\.\\./${WHEEL.filename}#sha256=${WHEEL.sha256}"`));
  assert.equal((await get(`p/${WHEEL.filename}`)).status, 200);
  assert.equal((await get(`p/${WHEEL.filename}.metadata`)).status, 200);
  await pulp("distribution", "update", "--distribution", "p", "--allow-uploads");
  const shown = await pulp("distribution", "show", "--distribution", "p");
  assert.equal(shown.allow_uploads, true);
  await pulp("distribution", "update", "--distribution", "d", "--version", "1");
  await pulp("distribution", "destroy", "--distribution", "p");
  await pulp("publication", "destroy", "--href", pulp_href);
});
