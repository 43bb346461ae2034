import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { blake2b } from "hash-wasm";
import { sha256 } from "#base/digests.ts";
import { ADMIN_PASSWORD, formOf } from "../../support/rest-api.ts";
import { endedTask, runTasks } from "../../support/run-tasks.ts";
import { sdist as source, wheel } from "./distributions.ts";
import { createIndex, type IndexWorld, idOf } from "./index-world.ts";
import { attestation, REPOSITORIES } from "./support.ts";

const INDEX = "/pypi/team/index/";
const FILENAME = "shelf-1.0.tar.gz";
const sdist = (name: string, version: string, salt = ""): Buffer =>
  source({ name, version, salt }).bytes;
const BYTES = sdist("shelf", "1.0");

interface UploadOptions {
  readonly path?: string;
  readonly filename?: string;
  readonly bytes?: Buffer;
  readonly fields?: Readonly<Record<string, string>>;
  readonly user?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

function send(index: IndexWorld, options: UploadOptions = {}) {
  const { path = "legacy/", filename = FILENAME, bytes = BYTES, fields, user, headers } = options;
  const form = formOf(
    { ":action": "file_upload", sha256_digest: sha256(bytes).toString("hex"), ...fields },
    [{ name: "content", bytes, filename }],
  );
  return index.api.app.inject({
    method: "POST",
    url: `${INDEX}${path}`,
    ...(form.payload ? { payload: form.payload } : {}),
    headers: {
      host: "deckle.example",
      ...form.headers,
      ...(user === null
        ? {}
        : {
            authorization: `Basic ${Buffer.from(user ?? `admin:${ADMIN_PASSWORD}`).toString("base64")}`,
          }),
      ...headers,
    },
  });
}

const filesOf = async (index: IndexWorld, project = "shelf"): Promise<readonly string[]> => {
  const { body, status } = await index.get(`simple/${project}/?format=json`);
  return status === 404 ? [] : body.files.map(({ filename }: { filename: string }) => filename);
};

const latestVersion = async (index: IndexWorld): Promise<number> => {
  const { body } = await index.api.get(`${REPOSITORIES}${index.repository}/`);
  return Number(body.latest_version_href.split("/").at(-2));
};

test("an upload is in the index when it is answered", async (t) => {
  const index = await createIndex(t);
  for (const path of ["legacy/", "simple/", "legacy"]) {
    const version = { "legacy/": "1.0", "simple/": "1.1", legacy: "1.2" }[path] ?? "";
    const filename = `shelf-${version}.tar.gz`;
    const answer = await send(index, { path, filename, bytes: sdist("shelf", version) });
    assert.equal(answer.statusCode, 202, answer.body);
    const task = (await index.api.get(answer.json().task)).body;
    assert.equal(task.state, "completed", JSON.stringify(task.error));
    assert.equal(task.name, "pulp_python.app.tasks.upload.upload");
    const [unit, created] = task.created_resources;
    assert.match(unit, /\/content\/python\/packages\//);
    assert.match(created, /\/repositories\/python\/python\/.*\/versions\/\d+\/$/);
    assert.ok((await filesOf(index)).includes(filename));
  }
});

/** Fields of the form → status and answer. */
const md5 = createHash("md5").update(BYTES).digest("hex");
const EXTENSION =
  "Extension on shelf.rpm is not a valid python extension (.whl, .exe, .egg, .tar.gz, .tar.bz2, .zip)";
const REFUSED: readonly (readonly [options: UploadOptions, answer: object])[] = [
  [
    { fields: { ":action": "doc_upload" } },
    { ":action": ["We do not support the :action doc_upload"] },
  ],
  [{ fields: { protocol_version: "2" } }, { protocol_version: ['"2" is not a valid choice.'] }],
  [{ fields: { metadata_version: "3.0" } }, { metadata_version: ['"3.0" is not a valid choice.'] }],
  [
    { fields: { filetype: "bdist_wheel" } },
    { filetype: [`filetype bdist_wheel does not match found filetype sdist for file ${FILENAME}`] },
  ],
  [{ filename: "shelf.rpm" }, { content: [EXTENSION] }],
  [
    { fields: { sha256_digest: "0".repeat(63) } },
    { sha256_digest: ["Ensure this field has at least 64 characters."] },
  ],
  [
    { fields: { sha256_digest: "0".repeat(65) } },
    { sha256_digest: ["Ensure this field has no more than 64 characters."] },
  ],
  [
    { fields: { sha256_digest: "0".repeat(64) } },
    { sha256_digest: ["The sha256 checksum did not match."] },
  ],
  [{ fields: { md5_digest: "0".repeat(32) } }, { md5_digest: ["The md5 checksum did not match."] }],
  [
    { fields: { blake2_256_digest: "0".repeat(64), md5_digest: md5 } },
    { blake2_256_digest: ["The blake2_256 checksum did not match."] },
  ],
];

test("a form that is wrong is refused by field, and nothing is kept", async (t) => {
  const index = await createIndex(t);
  for (const [options, expected] of REFUSED) {
    const answer = await send(index, options);
    assert.deepEqual([answer.statusCode, answer.json()], [400, expected]);
  }
  const nothing = await index.api.request("POST", `${INDEX}legacy/`, formOf({ name: "x" }));
  assert.deepEqual(nothing.body, {
    content: ["No file was submitted."],
    sha256_digest: ["This field is required."],
  });
  const json = await index.api.request("POST", `${INDEX}legacy/`, { json: {} });
  assert.equal(json.status, 415);
  assert.equal(await latestVersion(index), 0);
});

const BLAKE2_OF_BYTES = await blake2b(BYTES, 256);

test("digests that are right, and whatever else clients send, are welcome", async (t) => {
  const index = await createIndex(t);
  const blake2_256_digest = BLAKE2_OF_BYTES;
  const fields = {
    blake2_256_digest,
    md5_digest: md5,
    name: "other",
    version: "9",
    classifiers: "x",
    gpg: "y",
  };
  const answer = await send(index, { fields });
  assert.equal(answer.statusCode, 202, answer.body);
});

test("a wheel comes with its metadata, and with what is attested about it", async (t) => {
  const index = await createIndex(t);
  const {
    filename,
    bytes,
    metadata,
    sha256: digest,
  } = wheel({ headers: ["Requires-Python: >=3.9"] });
  const attestations = JSON.stringify([attestation({ filename, sha256: digest })]);
  const wrong = await send(index, { filename, bytes, fields: { attestations: "nonsense" } });
  const foreign = JSON.stringify([attestation({ filename: "other.whl", sha256: digest })]);
  const other = await send(index, { filename, bytes, fields: { attestations: foreign } });
  const answer = await send(index, { filename, bytes, fields: { attestations } });

  assert.match(wrong.json().attestations[0], /^The uploaded attestations are not valid: /);
  assert.match(other.json().attestations[0], /^Attestations failed verification: /);
  assert.equal(answer.statusCode, 202, answer.body);
  const task = (await index.api.get(answer.json().task)).body;
  const [version, unit, provenance] = task.created_resources;
  assert.match(version, /\/versions\/1\/$/);
  assert.match(unit, /\/content\/python\/packages\//);
  assert.match(provenance, /\/content\/python\/provenance\//);
  const { body } = await index.get("simple/shelf-reader/?format=json");
  const [file] = body.files;
  assert.deepEqual(file["core-metadata"], { sha256: sha256(metadata).toString("hex") });
  assert.equal(file["requires-python"], ">=3.9");
  const told = await index.get(
    file.provenance.replace("https://index.example/pypi/team/index/", ""),
  );
  const [bundle] = told.body.attestation_bundles;
  assert.equal(bundle.publisher.kind, "Pulp User");
  assert.match(bundle.publisher.prn, /^prn:auth\.user:\d+$/);
});

test("a file that cannot be read is refused at once, and not stored", async (t) => {
  const index = await createIndex(t);
  const broken = await send(index, { bytes: Buffer.from("no archive") });
  assert.equal(broken.statusCode, 400, broken.body);
  assert.match(broken.body, /shelf-1\.0\.tar\.gz/);
  assert.deepEqual(await filesOf(index), []);
  assert.equal((await index.api.get("artifacts/")).body.count, 0);
});

test("a wheel and its metadata are stored together", async (t) => {
  const index = await createIndex(t);
  const { filename, bytes } = wheel();
  const statements = await index.api.statementsOf(() => send(index, { filename, bytes }));
  const ofArtifacts = statements.filter((text) => /insert into artifact\b/.test(text));
  assert.equal(ofArtifacts.length, 1);
  assert.equal((await index.api.get("artifacts/")).body.count, 2);
  t.diagnostic(`${statements.length} statements`);
  assert.ok(statements.length <= 20, statements.join("\n"));
});

test("wheels for two platforms share their metadata, and both are added at once", async (t) => {
  const index = await createIndex(t);
  const wheels = ["py3-none-linux_x86_64", "py3-none-win_amd64"].map((tags) =>
    wheel({ salt: tags }, tags),
  );
  for (const { filename, bytes } of wheels) {
    const answer = await send(index, { filename, bytes });
    assert.equal((await index.api.get(answer.json().task)).body.state, "completed");
  }

  const { body } = await index.get("simple/shelf-reader/?format=json");
  const [one, two] = body.files;
  assert.ok(one["core-metadata"].sha256);
  assert.deepEqual(one["core-metadata"], two["core-metadata"]);
  assert.equal((await index.api.get("artifacts/")).body.count, 3);
  assert.equal(await dispatched(index), 0);
});

/** Tasks that were put into the queue, beside those that were done when they were listed. */
async function dispatched({ api }: IndexWorld): Promise<number> {
  const { body } = await api.get("tasks/");
  const tasks = body.results as readonly { name: string; reserved_resources_record: unknown[] }[];
  return tasks.filter(
    ({ name, reserved_resources_record: held }) => name.includes("upload") && held.length > 0,
  ).length;
}

test("what a repository asks of its versions holds for uploads", async (t) => {
  const index = await createIndex(t);
  const { api } = index;
  const href = `${REPOSITORIES}${index.repository}/`;
  const patch = (json: object) => api.request("PATCH", href, { json });
  const upload = async (version: string) => {
    const filename = `shelf-${version}.tar.gz`;
    const answer = await send(index, { filename, bytes: sdist("shelf", version) });
    assert.equal(answer.statusCode, 202, answer.body);
    await runTasks(api);
    return (await api.get(answer.json().task)).body;
  };

  assert.equal((await upload("1.0")).state, "completed");
  assert.equal(await dispatched(index), 0);
  await runTasksOf(api, await patch({ autopublish: true }));
  assert.equal((await upload("2.0")).state, "completed");
  assert.equal((await api.get("publications/python/pypi/")).body.count, 1);
  await runTasksOf(api, await patch({ autopublish: false }));
  const entry = await api.post(`${href}blocklist_entries/`, { name: "shelf", version: "3.0" });
  assert.equal(entry.status, 201, JSON.stringify(entry.body));
  const blocked = await upload("3.0");
  assert.equal(blocked.state, "failed");
  assert.match(blocked.error.description, /^Blocklisted packages/);
  await api.request("DELETE", entry.body.pulp_href);
  await runTasksOf(api, await patch({ retain_repo_versions: 1 }));
  await upload("4.0");
  const { results } = (await api.get(`${href}versions/`)).body;
  // The second one is published, and the index shows it.
  assert.deepEqual(
    results.map(({ number }: { number: number }) => number),
    [3, 2],
  );
  assert.deepEqual(
    await filesOf(index),
    ["1.0", "2.0", "4.0"].map((version) => `shelf-${version}.tar.gz`),
  );
});

const runTasksOf = async (api: IndexWorld["api"], answer: { readonly status: number }) => {
  assert.ok(answer.status < 300, String(answer.status));
  await runTasks(api);
};

test("bytes that the domain knows keep their name, whoever brings them again", async (t) => {
  const index = await createIndex(t);
  await send(index);
  await index.edit({ remove: [await unitOf(index, FILENAME)] });
  assert.deepEqual(await filesOf(index), []);
  const again = await send(index, { filename: "Shelf-1.0.tar.gz" });
  await runTasks(index.api);
  assert.equal((await index.api.get(again.json().task)).body.state, "completed", again.body);
  assert.deepEqual(await filesOf(index), [FILENAME]);
});

async function unitOf({ api }: IndexWorld, filename: string): Promise<string> {
  const { body } = await api.get(`content/python/packages/?filename=${filename}`);
  return idOf(body.results[0].pulp_href);
}

test("who may not upload is told so before the file is looked at", async (t) => {
  const index = await createIndex(t);
  await index.api.post("users/", { username: "reader", password: "of the reader 1" });
  const patch = (json: object) => index.api.request("PATCH", index.distribution, { json });

  const stranger = await send(index, { user: null });
  const wrong = await send(index, { user: "admin:wrong" });
  const reader = await send(index, { user: "reader:of the reader 1" });
  await patch({ allow_uploads: false });
  const closed = await send(index);
  await patch({ allow_uploads: true, repository: null });
  const nowhere = await send(index);

  assert.equal(stranger.statusCode, 401);
  assert.equal(stranger.headers["www-authenticate"], 'Basic realm="api"');
  assert.deepEqual([wrong.statusCode, reader.statusCode], [401, 403]);
  assert.deepEqual(
    [closed, nowhere].map(({ statusCode, statusMessage, body }) => [
      statusCode,
      statusMessage,
      body,
    ]),
    [
      [403, "Index is not allowing uploads", "Index is not allowing uploads"],
      [400, "Index is not pointing to a repository", "Index is not pointing to a repository"],
    ],
  );
});

test("a file that is there already is refused with a reason that clients know", async (t) => {
  const index = await createIndex(t);
  await send(index);
  const same = await send(index);
  const other = await send(index, { bytes: gzipSync("x") });
  const reason = `Package ${FILENAME} already exists in index`;
  for (const { statusCode, statusMessage, body } of [same, other]) {
    assert.deepEqual([statusCode, statusMessage, body], [400, reason, reason]);
  }
});

test("uploads side by side become versions together, each with a task of its own", async (t) => {
  const index = await createIndex(t);
  const numbers = Array.from({ length: 12 }, (_, n) => n);
  const answers = await Promise.all(
    numbers.map((n) =>
      send(index, { filename: `many-1.${n}.tar.gz`, bytes: sdist("many", `1.${n}`) }),
    ),
  );
  await runTasks(index.api);

  const tasks = await Promise.all(
    answers.map(async (answer) => (await index.api.get(answer.json().task)).body),
  );
  assert.deepEqual(new Set(tasks.map(({ state }) => state)), new Set(["completed"]));
  for (const { created_resources: created } of tasks) assert.equal(created.length, 2);
  assert.equal(new Set(tasks.map((task) => task.created_resources[0])).size, 12);
  assert.equal((await filesOf(index, "many")).length, 12);
  assert.ok((await latestVersion(index)) < 12, "some of them share a version");
});

test("of two files with one name that come together one is refused, the rest stays", async (t) => {
  const index = await createIndex(t);
  const answers = await Promise.all([
    send(index),
    send(index, { bytes: sdist("shelf", "1.0", "another description") }),
    send(index, { filename: "shelf-2.0.tar.gz", bytes: sdist("shelf", "2.0") }),
  ]);
  await runTasks(index.api);
  const states = [];
  for (const answer of answers) {
    if (answer.statusCode === 400) states.push("refused");
    else states.push((await index.api.get(answer.json().task)).body.state);
  }
  const [first, second, third] = states;
  assert.equal(third, "completed");
  assert.equal([first, second].filter((state) => state === "completed").length, 1, String(states));
  assert.deepEqual(await filesOf(index), [FILENAME, "shelf-2.0.tar.gz"]);
});

test("?wait= answers when the task has ended", async (t) => {
  const index = await createIndex(t);
  const made = await send(index, { path: "legacy/?wait=5" });
  assert.deepEqual([made.statusCode, Object.keys(made.json())], [201, ["task"]]);
});

test("uploads of a session become one version", async (t) => {
  const index = await createIndex(t, { settings: { PYTHON_GROUP_UPLOADS: true } });
  const first = await send(index);
  assert.equal(first.statusCode, 200, first.body);
  const { session, task, task_start_time: start } = first.json();
  const cookie = `other=1; python_upload_session=${session}`;
  const next = { filename: "shelf-2.0.tar.gz", bytes: sdist("shelf", "2.0") };
  const second = await send(index, { ...next, headers: { cookie } });

  assert.match(task, /\/tasks\//);
  assert.match(String(first.headers["set-cookie"]), /HttpOnly/);
  assert.deepEqual([second.json().session, second.json().task], [session, "updated"]);
  assert.ok(second.json().task_start_time > start);
  await index.api.ctx.db.executeQuery(
    (await import("#platform/db/open.ts")).rawQuery(
      "update python_upload_session set start = clock_timestamp()",
    ),
  );
  const ended = await endedTask(index.api, { status: 202, text: "", body: { task } });
  assert.equal(ended.state, "completed", JSON.stringify(ended.error));
  assert.equal(await latestVersion(index), 1);
  assert.deepEqual(await filesOf(index), [FILENAME, "shelf-2.0.tar.gz"]);
});
