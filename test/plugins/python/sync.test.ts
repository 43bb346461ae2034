import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { answer } from "../../support/upstream.ts";
import {
  createMirrorWorld,
  html,
  json,
  page,
  SIMPLE_JSON,
  serveList,
  serveProject,
  sha256,
} from "./mirror-world.ts";

const WHEEL = "shelf_reader-0.2-py3-none-any.whl";
const OLD_WHEEL = "shelf_reader-0.1-py2-none-any.whl";
const SDIST = "shelf-reader-0.2.tar.gz";
const shelf = [{ filename: OLD_WHEEL }, { filename: WHEEL }, { filename: SDIST }];

const metadata = (version: string, requires: string) =>
  `Metadata-Version: 2.1\nName: shelf-reader\nVersion: ${version}\nRequires-Dist: ${requires}\n\nAbout ${version}.\n`;

test("a sync on demand takes every file that the page lists and downloads none", async (t) => {
  const world = await createMirrorWorld(t);
  serveProject(world.upstream, "shelf-reader", shelf);
  serveList(world.upstream, { "Shelf.Reader": null });
  const [remote, repository] = [await world.addRemote(), await world.addRepository()];

  const job = await world.sync({ remote, repository });

  assert.deepEqual(await world.filenames(repository), [SDIST, OLD_WHEEL, WHEEL].sort());
  assert.deepEqual(await world.versions(repository), [0, 1]);
  assert.equal(world.upstream.requests.filter(({ path }) => path.startsWith("/files/")).length, 0);
  assert.deepEqual(
    job.reports.map(({ code, message, done, state }) => [code, message, done, state]),
    [
      ["sync.fetching.project", "Fetching Project Metadata", 1, "completed"],
      ["sync.downloading.artifacts", "Downloading Artifacts", 0, "completed"],
      ["associating.content", "Associating Content", 3, "completed"],
    ],
  );
  const { sha256: digest, ...row } = await world.row(WHEEL);
  assert.equal((digest as Buffer).toString("hex"), sha256(WHEEL));
  assert.partialDeepStrictEqual(row, {
    name: "shelf-reader",
    version: "0.2",
    packagetype: "bdist_wheel",
    python_version: "py3",
    size: WHEEL.length,
    requires_dist: "[]",
  });
});

test("an immediate sync stores the files", async (t) => {
  const world = await createMirrorWorld(t);
  serveProject(world.upstream, "shelf-reader", shelf);
  const remote = await world.addRemote({ includes: ["shelf-reader"] }, { policy: "immediate" });
  const repository = await world.addRepository();

  const job = await world.sync({ remote, repository });

  assert.equal(job.report("sync.downloading.artifacts")?.done, 3);
  assert.deepEqual(await world.files(SDIST), [
    { relative_path: SDIST, url: `${world.upstream.url}/files/${SDIST}`, stored: true },
  ]);
});

test("a wheel keeps the metadata that lies beside it", async (t) => {
  const world = await createMirrorWorld(t);
  const text = metadata("0.2", "six");
  const core = { "core-metadata": { sha256: sha256(text) } };
  serveProject(world.upstream, "shelf-reader", [
    { filename: WHEEL, ...core },
    { filename: SDIST, ...core },
  ]);
  const remote = await world.addRemote({ includes: ["shelf-reader"] });
  const repository = await world.addRepository();

  await world.sync({ remote, repository });

  const url = `${world.upstream.url}/files/${WHEEL}`;
  assert.deepEqual(await world.files(WHEEL), [
    { relative_path: WHEEL, url, stored: false },
    { relative_path: `${WHEEL}.metadata`, url: `${url}.metadata`, stored: false },
  ]);
  assert.equal((await world.files(SDIST)).length, 1);
  const { metadata_sha256: digest } = await world.row(WHEEL);
  assert.equal((digest as Buffer).toString("hex"), sha256(text));
});

test("each release has its own metadata, from the JSON API or from beside its wheel", async (t) => {
  const world = await createMirrorWorld(t);
  const text = metadata("0.1", "six>1");
  const core = { "core-metadata": { sha256: sha256(text) } };
  serveProject(world.upstream, "shelf-reader", [
    { filename: OLD_WHEEL, ...core },
    { filename: WHEEL },
    { filename: SDIST },
  ]);
  world.upstream.on(`/files/${OLD_WHEEL}.metadata`, answer.file(text));
  const info = {
    name: "Shelf-Reader",
    version: "0.2",
    author: "Somebody\u0000",
    requires_dist: ["six>2"],
    description: "About 0.2.",
    project_urls: { Home: "http://home.example" },
    license_files: ["LICENSE"],
    classifiers: null,
  };
  world.upstream.on("/pypi/shelf-reader/json", json({ info, releases: {}, urls: [] }));
  const remote = await world.addRemote({ includes: ["shelf-reader"] });
  const repository = await world.addRepository();

  await world.sync({ remote, repository });

  assert.partialDeepStrictEqual(await world.row(SDIST), {
    name: "Shelf-Reader",
    author: "Somebody",
    requires_dist: '["six>2"]',
    description: "About 0.2.",
    project_urls: '{"Home": "http://home.example"}',
    license_file: '["LICENSE"]',
    classifiers: "[]",
  });
  assert.partialDeepStrictEqual(await world.row(OLD_WHEEL), {
    name: "Shelf-Reader",
    requires_dist: '["six>1"]',
    description: "About 0.1.\n",
    author: "",
  });
});

test("an old release without metadata has what all releases share, but no dependencies", async (t) => {
  const world = await createMirrorWorld(t);
  serveProject(world.upstream, "shelf-reader", shelf);
  const info = { version: "0.2", author: "Somebody", requires_dist: ["six"], description: "New." };
  world.upstream.on("/pypi/shelf-reader/json", json({ info }));
  const remote = await world.addRemote({ includes: ["shelf-reader"] });

  await world.sync({ remote, repository: await world.addRepository() });

  assert.partialDeepStrictEqual(await world.row(OLD_WHEEL), {
    author: "Somebody",
    requires_dist: "[]",
    description: "",
  });
});

test("a plain HTML mirror without a JSON API is enough", async (t) => {
  const world = await createMirrorWorld(t);
  world.upstream.on("/simple/", html('<a href="shelf-reader/">Shelf-Reader</a>'));
  world.upstream.on(
    "/simple/shelf-reader/",
    html(`<a href="../../files/${SDIST}#sha256=${sha256(SDIST)}" data-requires-python="&gt;=3">x</a>
      <a href="../../files/${WHEEL}">no digest</a>`),
  );
  const [remote, repository] = [await world.addRemote(), await world.addRepository()];

  await world.sync({ remote, repository });

  assert.deepEqual(await world.filenames(repository), [SDIST]);
  assert.partialDeepStrictEqual(await world.row(SDIST), { requires_python: ">=3", size: 0 });
  assert.ok(world.logged.some((line) => /1 files of shelf-reader have no sha256/.test(line)));
});

test("sizes that the page does not tell come from the JSON API", async (t) => {
  const world = await createMirrorWorld(t);
  world.upstream.on(
    "/simple/shelf-reader/",
    html(`<a href="../../files/${SDIST}#sha256=${sha256(SDIST)}">x</a>`),
  );
  const releases = { "0.2": [{ filename: SDIST, size: 77 }] };
  world.upstream.on("/pypi/shelf-reader/json", json({ info: { version: "0.3" }, releases }));
  const remote = await world.addRemote({ includes: ["shelf-reader"] });

  await world.sync({ remote, repository: await world.addRepository() });

  assert.equal((await world.row(SDIST)).size, 77);
});

test("yanked files become a marker of their release", async (t) => {
  const world = await createMirrorWorld(t);
  serveProject(world.upstream, "shelf-reader", [
    { filename: OLD_WHEEL, yanked: "broken" },
    { filename: WHEEL, yanked: true },
    { filename: SDIST, yanked: true },
  ]);
  const remote = await world.addRemote({ includes: ["shelf-reader"] });
  const repository = await world.addRepository();

  await world.sync({ remote, repository });

  assert.deepEqual(await world.yanks(repository), [
    { name: "shelf-reader", version: "0.1", reason: "broken" },
    { name: "shelf-reader", version: "0.2", reason: "" },
  ]);
});

test("provenance is kept with its package", async (t) => {
  const world = await createMirrorWorld(t);
  serveProject(world.upstream, "shelf-reader", [
    { filename: WHEEL, provenance: "/p/good" },
    { filename: SDIST, provenance: "/p/absent" },
    { filename: OLD_WHEEL, provenance: "/p/bad" },
  ]);
  world.upstream.on("/p/good", json({ version: 1, attestation_bundles: [{ b: 1, a: 2 }] }));
  world.upstream.on("/p/bad", json(["no object"]));
  const remote = await world.addRemote({ includes: ["shelf-reader"], provenance: true });
  const repository = await world.addRepository();

  await world.sync({ remote, repository });
  await world.sync({ remote, repository });

  const { rows } = await sql<{ filename: string; sha256: Buffer; provenance: object }>`
    select p.filename, v.sha256, v.provenance from python_provenance v
    join python_package p on p.id = v.package join membership m on m.content = v.id`.execute(
    world.ctx.db,
  );
  const text = '{"attestation_bundles": [{"a": 2, "b": 1}], "version": 1}';
  assert.deepEqual(
    rows.map((row) => [row.filename, row.sha256.toString("hex")]),
    [[WHEEL, sha256(text)]],
  );
  assert.ok(world.logged.some((line) => /provenance at .*\/p\/bad is left out/.test(line)));
  assert.deepEqual(await world.versions(repository), [0, 1]);
});

test("files that belong to another project are not taken", async (t) => {
  const world = await createMirrorWorld(t);
  const hostile = ["../../etc/passwd", "other-1.0.tar.gz", "shelf-reader-<b>.tar.gz", "README.txt"];
  serveProject(world.upstream, "shelf-reader", [
    ...hostile.map((filename) => ({ filename, url: "/files/x" })),
    { filename: SDIST, content: "first" },
    { filename: SDIST, content: "second" },
  ]);
  const remote = await world.addRemote({ includes: ["shelf-reader"] });
  const repository = await world.addRepository();

  await world.sync({ remote, repository });

  assert.deepEqual(await world.filenames(repository), [SDIST]);
  const { sha256: digest } = await world.row(SDIST);
  assert.equal((digest as Buffer).toString("hex"), sha256("second"));
});

test("a project that upstream does not have is no failure", async (t) => {
  const world = await createMirrorWorld(t);
  serveProject(world.upstream, "shelf-reader", shelf);
  const remote = await world.addRemote({ includes: ["Shelf_Reader", "absent"] });
  const repository = await world.addRepository();

  const job = await world.sync({ remote, repository });

  assert.equal((await world.filenames(repository)).length, 3);
  assert.equal(job.report("sync.fetching.project")?.done, 2);
  assert.equal(job.report("sync.skipped.project"), undefined);
});

const faults = [
  ["answers 500", answer.status(500), /500, message=/],
  [
    "cuts its JSON short",
    answer.file('{"files": [', { "content-type": SIMPLE_JSON }),
    /ends too early/,
  ],
  ["hangs up", answer.truncated(page("bad", shelf), 20), /PLP0027/],
  ["never answers", answer.silent(), /PLP0005/],
  ["redirects in a circle", answer.redirect("/simple/bad/"), /redirects more than/],
  ["redirects to a file", answer.redirect("file:///etc/passwd"), /PLP0009/],
] as const;

for (const [name, fault, text] of faults) {
  test(`a project whose upstream ${name} does not fail the sync`, async (t) => {
    const world = await createMirrorWorld(t);
    serveProject(world.upstream, "shelf-reader", shelf);
    world.upstream.on("/simple/bad/", fault);
    const remote = await world.addRemote(
      { includes: ["bad", "shelf-reader"] },
      { total_timeout: 0.5 },
    );
    const repository = await world.addRepository();

    const job = await world.sync({ remote, repository });

    assert.equal((await world.filenames(repository)).length, 3);
    const report = job.report("sync.skipped.project");
    assert.equal(report?.done, 1);
    assert.match(report?.message ?? "", text);
    assert.ok(world.logged.some((line) => /project bad is left out/.test(line) && text.test(line)));
  });
}

test("an upstream of which nothing can be read fails the sync", async (t) => {
  const world = await createMirrorWorld(t);
  world.upstream.otherwise(answer.status(503));
  const remote = await world.addRemote({ includes: ["a", "b"] });
  const repository = await world.addRepository();

  await assert.rejects(world.sync({ remote, repository }), /None of the projects .*503/);

  assert.deepEqual(await world.versions(repository), [0]);
});

test("a list that cannot be had fails the sync", async (t) => {
  const world = await createMirrorWorld(t);
  const [remote, repository] = [await world.addRemote(), await world.addRepository()];
  await assert.rejects(world.sync({ remote, repository }), /404, message=/);
  assert.deepEqual(await world.versions(repository), [0]);
});

const addresses = [
  ["file:///etc", /Only HTTP\(S\) is supported for python syncing/],
  ["", /A remote must have a url attribute to sync/],
] as const;

for (const [url, text] of addresses) {
  test(`a remote with the address '${url}' is refused`, async (t) => {
    const world = await createMirrorWorld(t);
    const remote = await world.addRemote({}, { url });
    const repository = await world.addRepository();
    await assert.rejects(world.sync({ remote, repository }), text);
  });
}

test("a file with the wrong bytes fails an immediate sync and changes nothing", async (t) => {
  const world = await createMirrorWorld(t);
  serveProject(world.upstream, "shelf-reader", shelf);
  world.upstream.on(`/files/${SDIST}`, answer.corrupted(SDIST));
  const remote = await world.addRemote({ includes: ["shelf-reader"] }, { policy: "immediate" });
  const repository = await world.addRepository();

  await assert.rejects(world.sync({ remote, repository }), /PLP0003/);
  assert.deepEqual(await world.versions(repository), [0]);

  world.upstream.on(`/files/${SDIST}`, answer.file(SDIST));
  await world.sync({ remote, repository });
  assert.equal((await world.filenames(repository)).length, 3);
});

test("the address of `simple/` is understood as that of the index", async (t) => {
  const world = await createMirrorWorld(t);
  serveProject(world.upstream, "shelf-reader", shelf, "/up/pypi");
  const url = `${world.upstream.url}/up/pypi/simple/`;
  const remote = await world.addRemote({ includes: ["shelf-reader"] }, { url });
  const repository = await world.addRepository();

  await world.sync({ remote, repository });

  assert.equal((await world.filenames(repository)).length, 3);
});
