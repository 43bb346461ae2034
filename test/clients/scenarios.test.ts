import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:net";
import { test } from "node:test";
import type { Answer } from "../support/api.ts";
import { createFileUpstream, type FileUpstream } from "../support/file-upstream.ts";
import { blackBox } from "./support/black-box.ts";

let upstream: FileUpstream;
const box = blackBox({}, async (_box, stack) => {
  upstream = stack.use(await createFileUpstream(4));
});

const sha256 = (content: Buffer) => createHash("sha256").update(content).digest("hex");

async function remoteOf(name: string, url = upstream.manifestUrl): Promise<string> {
  const { pulp_href } = await box.api.post("remotes/file/file/", { name, url });
  return pulp_href;
}

async function repositoryOf(name: string, fields: object = {}): Promise<Answer> {
  return box.api.post("repositories/file/file/", { name, ...fields });
}

const fetchContent = (path: string) => fetch(`${box.server.contentUrl}/pulp/content/${path}`);

test("sync, publish, distribute, sync again, modify, delete a version, refuse a protected one", async () => {
  const { api } = box;
  const remote = await remoteOf("s1");
  const { pulp_href: repository } = await repositoryOf("s1", { remote });
  const sync = () => api.post(`${repository}sync/`, {}).then((answer) => api.done(answer));
  await sync();
  const publication = await api.done(
    await api.post("publications/file/file/", { repository_version: `${repository}versions/1/` }),
  );
  const [published] = publication.created_resources;
  await api.done(
    await api.post("distributions/file/file/", {
      name: "s1",
      base_path: "s1",
      publication: published,
    }),
  );
  const manifest = await (await fetchContent("s1/PULP_MANIFEST")).text();
  assert.equal(manifest.trim().split("\n").length, upstream.files.length);

  const again = await sync();
  assert.deepEqual(again.created_resources, []);
  assert.match((await api.get(repository)).latest_version_href, /versions\/1\/$/);

  const { results } = await api.get(
    `content/file/files/?repository_version=${repository}versions/1/`,
  );
  await api.done(
    await api.post(`${repository}modify/`, { remove_content_units: [results[0].pulp_href] }),
  );
  assert.match((await api.get(repository)).latest_version_href, /versions\/2\/$/);
  const refused = await api.request("DELETE", `${repository}versions/1/`);
  assert.equal(refused.status, 400, "a published and distributed version is protected");
  assert.ok(Array.isArray(await refused.json()));

  assert.equal((await api.request("DELETE", published)).status, 204);
  await api.done(await (await api.request("DELETE", `${repository}versions/1/`)).json());
  const { results: versions } = await api.get(`${repository}versions/`);
  assert.deepEqual(
    versions.map((each: Answer) => each.number),
    [2, 0],
  );
  const left = await api.get(`content/file/files/?repository_version=${repository}versions/2/`);
  assert.equal(left.count, upstream.files.length - 1);
});

test("chunks out of order, one twice, a wrong checksum, a commit, and the upload is gone", async () => {
  const { api } = box;
  const data = randomBytes(30_000);
  const { pulp_href: upload } = await api.post("uploads/", { size: data.length });
  const put = (start: number, end: number, extra: Readonly<Record<string, string>> = {}) => {
    const body = new FormData();
    body.append("file", new Blob([data.subarray(start, end)]), "chunk");
    for (const [name, value] of Object.entries(extra)) body.append(name, value);
    const headers = { "content-range": `bytes ${start}-${end - 1}/${data.length}` };
    return api.request("PUT", upload, { body, headers });
  };
  assert.equal((await put(20_000, 30_000)).status, 200);
  assert.equal((await put(0, 10_000)).status, 200);
  const wrong = await put(10_000, 20_000, { sha256: "0".repeat(64) });
  assert.equal(wrong.status, 400);
  assert.deepEqual(await wrong.json(), ["Checksum does not match chunk upload."]);
  assert.equal((await put(10_000, 20_000)).status, 200);
  assert.equal((await put(0, 10_000)).status, 200);
  const { chunks } = await api.get(upload);
  assert.equal(chunks.length, 3);

  const failed = await api.task(await api.post(`${upload}commit/`, { sha256: "1".repeat(64) }));
  assert.equal(failed.state, "failed");
  assert.match(failed.error.description, /sha256 checksum did not match/);
  const done = await api.done(await api.post(`${upload}commit/`, { sha256: sha256(data) }));
  assert.equal((await api.get(done.created_resources[0])).sha256, sha256(data));
  assert.equal((await api.request("GET", upload)).status, 404);
});

test("overlapping base paths are refused, renamed, and a source is switched in one request", async () => {
  const { api } = box;
  const { pulp_href: repository } = await repositoryOf("s5", { autopublish: true });
  const make = async (name: string, base_path: string) =>
    api.request("POST", "distributions/file/file/", {
      body: JSON.stringify({ name, base_path, repository }),
      headers: { "content-type": "application/json" },
    });
  const first = await api.done(await (await make("s5-a", "a")).json());
  const overlapping = await make("s5-b", "a/b");
  assert.equal(overlapping.status, 400);
  assert.match(JSON.stringify(await overlapping.json()), /base_path/);
  assert.equal((await make("s5-c", "ab")).status, 202, "a common beginning is no overlap");

  const [href] = first.created_resources;
  await api.done(await api.patch(href, { base_path: "renamed" }));
  assert.equal((await fetchContent("a/")).status, 404);
  const task = await api.done(
    await api.post("publications/file/file/", { repository_version: `${repository}versions/0/` }),
  );
  const [publication] = task.created_resources;
  await api.done(await api.patch(href, { repository: null, publication }));
  const switched = await api.get(href);
  assert.deepEqual([switched.repository, switched.publication], [null, publication]);
  assert.equal((await fetchContent("renamed/PULP_MANIFEST")).status, 200);
});

const queries = [
  ["name='s1'", ["s1"]],
  ['name="s1" OR name=q-one', ["q-one", "s1"]],
  ["name__in='q-one,q-two' AND NOT name=q-one", ["q-two"]],
  ["name=s1 OR name=q-one AND name=q-two", ["s1"]],
  ["(name=s1 OR name=q-one) AND name=q-one", ["q-one"]],
  ["pulp_label_select='team=a' OR name=s1", ["q-one", "s1"]],
  [Array.from({ length: 7 }, (_, n) => `name=x${n}`).join(" OR "), []],
] as const;

const refusedQueries = [
  [Array.from({ length: 8 }, (_, n) => `name=x${n}`).join(" OR "), /exceeds allowed complexity/],
  ["nothing=1", /Filter 'nothing' does not exist/],
  ["q='name=1'", /cannot use 'q'/],
  ["ordering=name", /ordering filter cannot be used/],
  ["name=", /Syntax error/],
  ["name=a and name=b", /Syntax error/],
] as const;

test("q combines filters within its limits", async () => {
  const { api } = box;
  await repositoryOf("q-one", { pulp_labels: { team: "a", note: "x,y" } });
  await repositoryOf("q-two");
  for (const [q, names] of queries) {
    const { results } = await api.get(`repositories/file/file/?q=${encodeURIComponent(q)}`);
    assert.deepEqual(results.map((each: Answer) => each.name).sort(), [...names], q);
  }
  for (const [q, message] of refusedQueries) {
    const response = await api.request("GET", `repositories/file/file/?q=${encodeURIComponent(q)}`);
    assert.equal(response.status, 400, q);
    assert.match(JSON.stringify(await response.json()), message);
  }
  const unknown = await api.request("GET", "repositories/file/file/?nothing=1");
  assert.deepEqual(await unknown.json(), { errors: ["Invalid Filter: 'nothing'"] });
  const both = await api.get("repositories/file/file/?name__in=q-one,q-two");
  assert.equal(both.count, 2);
  const comma = await api.get("repositories/file/file/?pulp_label_select=note~x");
  assert.equal(comma.count, 1);
});

test("running, waiting and finished tasks are cancelled, and a running one is not deleted", async () => {
  const { api } = box;
  const silent = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  const { port } = silent.address() as { port: number };
  try {
    const remote = await remoteOf("s7", `http://127.0.0.1:${port}/PULP_MANIFEST`);
    const { pulp_href: repository } = await repositoryOf("s7", { remote });
    const running = await api.post(`${repository}sync/`, {});
    const waiting = await api.post(`${repository}sync/`, {});
    await until(async () => (await api.get(running.task)).state === "running");
    assert.equal((await api.get(waiting.task)).state, "waiting");
    assert.equal((await api.request("DELETE", running.task)).status, 409);

    const cancelled = await api.patch(waiting.task, { state: "canceled" });
    assert.equal(cancelled.state, "canceled");
    await api.patch(running.task, { state: "canceled" });
    const final = await api.task(running, 20_000);
    assert.equal(final.state, "canceled");
    const wrong = await api.request("PATCH", running.task, {
      body: '{"state":"running"}',
      headers: { "content-type": "application/json" },
    });
    assert.equal(wrong.status, 400);
    const again = await api.patch(running.task, { state: "canceled" });
    assert.equal(again.state, "canceled", "cancelling twice is no error");
    assert.equal((await api.request("DELETE", running.task)).status, 204);
  } finally {
    silent.close();
  }
  const task = await api.done(await api.post("orphans/cleanup/", {}));
  const finished = await api.request("PATCH", task.pulp_href, {
    body: '{"state":"canceled"}',
    headers: { "content-type": "application/json" },
  });
  assert.equal(finished.status, 409);
  const conflict = (await finished.json()) as { state: string };
  assert.equal(conflict.state, "completed");
});

test("the API description is consistent in all its variants", async () => {
  const { api } = box;
  const whole = await api.get("docs/api.json");
  const ids = operations(whole).map((each) => each.operationId);
  assert.equal(new Set(ids).size, ids.length, "no operation id twice");
  for (const component of ["core", "file"]) {
    const part = await api.get(`docs/api.json?component=${component}`);
    for (const each of operations(part)) {
      const same = operations(whole).find((other) => other.operationId === each.operationId);
      assert.deepEqual(same?.tags, each.tags, each.operationId);
    }
  }
  const schemas = Object.entries<Answer>(whole.components.schemas);
  const without = schemas
    .filter(([name, { properties }]) => name.endsWith("Response") && properties?.pulp_href)
    .filter(([, { properties }]) => !properties.prn)
    .map(([name]) => name);
  assert.deepEqual(without, []);
  const bindings = await api.get("docs/api.json?bindings&component=file");
  assert.ok(operations(bindings).some((each) => each.operationId === "sync"));
  const rooted = await api.get("docs/api.json?pk_path=1");
  assert.ok(Object.keys(rooted.paths).every((path) => path.startsWith("/")));
});

test("a correlation id travels into the task, and links follow a trusted proxy", async () => {
  const { api } = box;
  const id = randomUUID();
  const response = await api.request("POST", "orphans/cleanup/", {
    body: "{}",
    headers: { "content-type": "application/json", "correlation-id": id },
  });
  assert.equal(response.headers.get("correlation-id"), id);
  const { task } = (await response.json()) as { task: string };
  assert.equal((await api.get(task)).logging_cid, id);

  const page = await api.request("GET", "repositories/file/file/?limit=1", {
    headers: { "x-forwarded-proto": "https", "x-forwarded-host": "evil.example" },
  });
  const { next } = (await page.json()) as { next: string };
  assert.ok(next.startsWith(`${box.server.apiUrl}/pulp/api/v3/`), next);
});

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
}

const operations = (document: Answer): readonly Operation[] =>
  Object.values<Readonly<Record<string, Answer>>>(document.paths).flatMap((item) =>
    Object.values(item).filter((each) => each?.operationId !== undefined),
  );

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("it does not come true");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
