import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { sdist, wheel } from "./distributions.ts";
import {
  attestation,
  createPackage,
  createPythonApi,
  filenames,
  made,
  PACKAGES,
  REPOSITORIES,
  upload,
  uploaded,
} from "./support.ts";

const HEADERS = [
  "Summary: Reads shelves",
  "Author: Ada",
  "Requires-Python: >=3.8",
  "Classifier: Topic :: Books",
  "Classifier: Topic :: Shelves",
  "Requires-Dist: flask (>=1)",
  "Project-URL: Home, https://shelf.example/ä",
];

test("a wheel becomes a unit with what it says of itself", async (t) => {
  const api = await createPythonApi(t);
  const file = wheel({ headers: HEADERS, body: "A long\ntext\n" });

  const { status, body } = await upload(api, file);

  assert.equal(status, 201);
  const { pulp_href, prn, pulp_created: _, pulp_last_updated: _2, artifact, ...rest } = body;
  assert.match(pulp_href, /content\/python\/packages\/[0-9a-f-]{36}\/$/);
  assert.match(prn, /^prn:python\.pythonpackagecontent:/);
  assert.equal((await api.get(artifact)).body.sha256, file.sha256);
  assert.match(rest.metadata_sha256, /^[0-9a-f]{64}$/);
  assert.deepEqual(rest, {
    ...{ pulp_labels: {}, vuln_report: null, author: "Ada", author_email: "" },
    ...{ description: "A long\ntext\n", home_page: "", keywords: "", license: "" },
    ...{ metadata_version: "2.1", name: "shelf-reader", platform: "", summary: "Reads shelves" },
    ...{ version: "0.1", classifiers: '["Topic :: Books", "Topic :: Shelves"]', download_url: "" },
    ...{ supported_platform: "", maintainer: "", maintainer_email: "", obsoletes_dist: "[]" },
    ...{ project_url: "", project_urls: '["Home, https://shelf.example/\\u00e4"]' },
    ...{ provides_dist: "[]", requires_external: "[]", requires_dist: '["flask (>=1)"]' },
    ...{ requires_python: ">=3.8", description_content_type: "", provides_extras: "[]" },
    ...{ dynamic: "[]", license_expression: "", license_file: "[]", filename: file.filename },
    ...{ packagetype: "bdist_wheel", python_version: "py3", size: file.bytes.length },
    ...{ sha256: file.sha256, metadata_sha256: rest.metadata_sha256, provenance: null },
  });
});

test("the metadata of a wheel are a file of their own, exactly as they are in it", async (t) => {
  const api = await createPythonApi(t);
  const { metadata_sha256, prn } = await uploaded(api, wheel({ headers: HEADERS }));

  const { rows } = await sql<{ relative_path: string; sha256: string; size: number }>`
    select ca.relative_path, encode(a.sha256, 'hex') as sha256, a.size
    from content_artifact ca join artifact a on a.domain = ca.domain and a.id = ca.artifact
    where ca.content = ${prn.split(":")[2]} order by 1`.execute(api.ctx.db);

  const { filename, sha256, metadata, bytes } = wheel({ headers: HEADERS });
  assert.deepEqual(rows, [
    { relative_path: filename, sha256, size: bytes.length },
    {
      relative_path: `${filename}.metadata`,
      sha256: metadata_sha256,
      size: Buffer.byteLength(metadata),
    },
  ]);
});

test("an sdist has no file of metadata, and its source is its Python", async (t) => {
  const api = await createPythonApi(t);
  const body = await uploaded(api, sdist({ headers: ["Summary: x"] }));

  const { packagetype, python_version, metadata_sha256, summary } = body;
  assert.deepEqual(
    { packagetype, python_version, metadata_sha256, summary },
    { packagetype: "sdist", python_version: "source", metadata_sha256: null, summary: "x" },
  );
});

test("the same bytes are the same unit, under the name that they have", async (t) => {
  const api = await createPythonApi(t);
  const file = sdist();
  const first = await upload(api, file, { pulp_labels: '{"a": "1"}' });
  const again = await upload(api, file, { pulp_labels: '{"a": "2"}' });
  const renamed = await upload(api, { ...file, filename: "other-0.1.tar.gz" });

  assert.deepEqual([first.status, again.status, renamed.status], [201, 201, 201]);
  assert.deepEqual(again.body, first.body);
  assert.deepEqual(renamed.body, first.body);
  assert.equal((await api.get(PACKAGES)).body.count, 1);
});

const BAD_UPLOADS: readonly (readonly [string, object, RegExp])[] = [
  ["shelf.tgz", {}, /Extension on shelf\.tgz is not a valid python extension/],
  ["shelf.whl", {}, /shelf\.whl is not a valid name of a wheel/],
  ["shelf-reader-0.1.tar.gz", { sha256: "00" }, /sha256 checksum does not match/],
  ["shelf-reader-0.1.tar.gz", { attestations: "{}" }, /Invalid attestations: a list is expected/],
  ["shelf-reader-0.1.tar.gz", { attestations: "[1]" }, /attestation 0 is not an object/],
];

test("an upload that is no package is refused, and leaves no unit", async (t) => {
  const api = await createPythonApi(t);
  for (const [filename, fields, text] of BAD_UPLOADS) {
    const file = { ...sdist(), filename };
    const answer = await upload(api, file, fields as Record<string, string>);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.text, text);
  }
  const empty = await upload(api, { ...sdist(), bytes: Buffer.alloc(0) });
  assert.equal(empty.status, 400, empty.text);
  const broken = await upload(api, { ...wheel(), bytes: sdist().bytes });
  assert.equal(broken.status, 400, broken.text);
  const nameless = await upload(api, { ...sdist(), filename: "" });
  assert.equal(nameless.status, 400, nameless.text);
  assert.equal((await api.get(PACKAGES)).body.count, 0);
});

test("a created unit joins the repository, and the version is told first", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  const file = wheel();

  const alone = await createPackage(api, file);
  assert.match(alone.created_resources.join(), /^\S*content\/python\/packages\/[0-9a-f-]+\/$/);
  const joined = await createPackage(api, file, { repository });
  const [version = "", unit] = joined.created_resources;
  assert.equal(version, `${repository}versions/1/`);
  assert.equal(unit, alone.created_resources[0]);
  assert.deepEqual(await filenames(api, repository), [file.filename]);
  const { content_summary } = (await api.get(version)).body;
  assert.equal(content_summary.present["python.python"].count, 1);
});

test("a file of a name that is there replaces it, unless it may not", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  await createPackage(api, sdist(), { repository });

  const refused = await createPackage(api, sdist({ salt: "2" }), {
    repository,
    overwrite: "false",
  });
  assert.equal(refused.state, "failed");
  assert.match(refused.error?.description ?? "", /PLP0023/);
  const replaced = await createPackage(api, sdist({ salt: "2" }), { repository });
  assert.equal(replaced.state, "completed");
  const { body } = await api.get(`${PACKAGES}?repository_version=${repository}versions/2/`);
  assert.deepEqual(
    body.results.map(({ sha256 }: { sha256: string }) => sha256),
    [sdist({ salt: "2" }).sha256],
  );
});

const BAD_CREATES: readonly (readonly [object, RegExp])[] = [
  [{ relative_path: "folder/shelf-0.1.tar.gz" }, /must be a file name without folders/],
  [{ relative_path: "shelf.rpm" }, /Extension on shelf\.rpm is not a valid python extension/],
  [{ sha256: "ab" }, /sha256 checksum does not match the one provided/],
];

test("a task says why it made no package", async (t) => {
  const api = await createPythonApi(t);
  for (const [fields, text] of BAD_CREATES) {
    const task = await createPackage(api, sdist(), fields as Record<string, string>);
    assert.equal(task.state, "failed");
    assert.match(task.error?.description ?? "", text);
    assert.deepEqual(task.created_resources, []);
  }
});

test("attestations become a provenance that goes with the package", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  const file = wheel();
  const attestations = JSON.stringify([attestation(file)]);

  const { body } = await upload(api, file, { attestations });
  assert.match(body.provenance, /^prn:python\.packageprovenance:/);
  assert.equal((await api.get(body.pulp_href)).body.provenance, null);

  const task = await createPackage(api, file, { attestations, repository });
  const [version, unit, provenance = ""] = task.created_resources;
  assert.equal(version, `${repository}versions/1/`);
  assert.equal(unit, body.pulp_href);
  const attested = (await api.get(provenance)).body;
  assert.equal(attested.prn, body.provenance);
  assert.equal(attested.package, body.pulp_href);
  const [bundle] = attested.provenance.attestation_bundles;
  assert.deepEqual(bundle.publisher, {
    kind: "Pulp User",
    prn: `prn:auth.user:${api.caller.user?.id}`,
  });
  assert.deepEqual(bundle.attestations, [attestation(file)]);
  const other = JSON.stringify([attestation(sdist())]);
  const wrong = await upload(api, file, { attestations: other });
  assert.equal(wrong.status, 400);
  assert.match(
    wrong.text,
    /Attestations failed verification: .*shelf_reader-0\.1\.tar\.gz != shelf_reader-0\.1-py3/,
  );
});

test("packages are found by what they are", async (t) => {
  const api = await createPythonApi(t);
  const files = [
    wheel({ headers: ["Author: Ada", "Requires-Python: >=3.8", "Keywords: book,shelf"] }),
    wheel({ version: "0.2", headers: ["Author: Bob", "Keywords: book"] }),
    sdist({ version: "0.10", headers: ["Author: Ada"] }),
    sdist({ name: "Other.Thing", version: "1.0" }),
  ];
  for (const file of files) await uploaded(api, file);
  const [first, second, third, other] = files.map(({ filename }) => filename);
  const found = async (query: string): Promise<readonly string[]> => {
    const { status, body, text } = await api.get(`${PACKAGES}?${query}`);
    assert.equal(status, 200, `${query}: ${text}`);
    assert.equal(body.count, body.results.length);
    return body.results.map(({ filename }: { filename: string }) => filename).sort();
  };
  const cases: readonly (readonly [string, readonly (string | undefined)[]])[] = [
    ["name=Shelf_Reader", [first, second, third]],
    ["name=other-thing", [other]],
    ["name__in=OTHER.thing,none", [other]],
    ["name__contains=Thing", [other]],
    ["name__contains=thing", []],
    ["author=Ada", [first, third]],
    ["author__in=Bob,Eve", [second]],
    ["author__contains=A", [first, third]],
    ["packagetype=sdist", [third, other]],
    ["packagetype__in=bdist_wheel,bdist_egg", [first, second]],
    ["requires_python=%3E%3D3.8", [first]],
    ["requires_python__contains=3", [first]],
    [`filename=${first}`, [first]],
    [`filename__in=${first},${other}`, [first, other]],
    ["filename__contains=tar", [third, other]],
    ["keywords__in=book", [second]],
    ["keywords__contains=book", [first, second]],
    [`sha256=${files[3]?.sha256}`, [other]],
    [`sha256__in=${files[0]?.sha256.toUpperCase()},zz`, [first]],
    ["sha256=none", []],
    ["version=0.2", [second]],
    ["version__gt=0.10", [second, other]],
    ["version__lte=0.10", [first, third]],
    ["version_specifier=%3E%3D0.2,%3C1", [second, third]],
    ["version_specifier=~%3D0.1&name=shelf-reader", [first, second, third]],
    ["version_specifier=%3D%3D%3D1.0.0", []],
    ["version_specifier=%3D%3D1.0.0", [other]],
    ['q=name="shelf-reader" AND NOT version=0.2', [first, third]],
  ];
  for (const [query, wanted] of cases)
    assert.deepEqual(await found(query), wanted.toSorted(), query);
  const ordered = await api.get(`${PACKAGES}?ordering=version,-name&fields=version`);
  assert.deepEqual(
    ordered.body.results.map(({ version }: { version: string }) => version),
    ["0.1", "0.10", "0.2", "1.0"],
  );
  assert.equal((await api.get(`${PACKAGES}?packagetype=rpm`)).status, 400);
  const bad = await api.get(`${PACKAGES}?version_specifier=one`);
  assert.deepEqual(
    [bad.status, bad.body],
    [400, { version_specifier: "Invalid PEP 440 version specifier: one" }],
  );
});

test("the short form has the keys that tell files apart", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href } = await uploaded(api, wheel());

  for (const path of [`${PACKAGES}?minimal=true`, `${pulp_href}?minimal=true`]) {
    const { body } = await api.get(path);
    assert.deepEqual(Object.keys(body.results?.[0] ?? body).sort(), [
      ...["artifact", "filename", "name", "packagetype", "prn", "pulp_created", "pulp_href"],
      ...["pulp_labels", "pulp_last_updated", "sha256", "version", "vuln_report"],
    ]);
  }
});

test("a name that another file has is no reason against labels", async (t) => {
  const api = await createPythonApi(t);
  const { pulp_href } = await uploaded(api, wheel());

  const set = await api.post(`${pulp_href}set_label/`, { key: "k", value: "v" });

  assert.equal(set.status, 201, set.text);
  assert.equal((await api.get(`${PACKAGES}?pulp_label_select=k=v`)).body.count, 1);
});
