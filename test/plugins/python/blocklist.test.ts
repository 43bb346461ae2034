import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestApi } from "../../support/rest-api.ts";
import { sdist, wheel } from "./distributions.ts";
import {
  createPackage,
  createPythonApi,
  filenames,
  made,
  modify,
  REPOSITORIES,
  uploaded,
} from "./support.ts";

async function createRepository(api: TestApi, values: object = {}): Promise<string> {
  const name = `r${Math.random()}`;
  return (await made(api, REPOSITORIES, { name, ...values })).pulp_href;
}

const block = async (api: TestApi, repository: string, entry: object) =>
  made(api, `${repository}blocklist_entries/`, entry);

test("entries are made, found and removed", async (t) => {
  const api = await createPythonApi(t);
  const repository = await createRepository(api);
  const list = `${repository}blocklist_entries/`;

  const whole = await block(api, repository, { name: "Shelf_Reader" });
  const version = await block(api, repository, { name: "shelf.reader", version: "0.1" });
  const file = await block(api, repository, { filename: "x-1.tar.gz" });

  const { pulp_href, prn, pulp_created: _, pulp_last_updated: _2, ...rest } = version;
  assert.match(pulp_href, /python\/[0-9a-f-]{36}\/blocklist_entries\/[0-9a-f-]{36}\/$/);
  assert.match(prn, /^prn:python\.pythonblocklistentry:/);
  const by = `prn:auth.user:${api.caller.user?.id}`;
  assert.deepEqual(rest, { name: "shelf-reader", version: "0.1", filename: null, added_by: by });
  assert.deepEqual((await api.get(pulp_href)).body, version);
  const found = async (query: string): Promise<readonly object[]> =>
    (await api.get(`${list}?${query}`)).body.results;
  assert.deepEqual(await found(""), [file, version, whole], "the newest comes first");
  assert.deepEqual(await found("name=SHELF-reader"), [version, whole]);
  assert.deepEqual(await found("version=0.1"), [version]);
  assert.deepEqual(await found("name=shelf-reader&version__isnull=true"), [whole]);
  assert.deepEqual(await found("filename=x-1.tar.gz"), [file]);
  const other = await createRepository(api);
  assert.equal((await api.get(`${other}blocklist_entries/`)).body.count, 0);
  const elsewhere = pulp_href.replace(repository, other);
  assert.equal((await api.get(elsewhere)).status, 404);
  assert.equal((await api.request("DELETE", pulp_href)).status, 204);
  assert.equal((await api.get(pulp_href)).status, 404);
});

const BAD: readonly (readonly [object, RegExp])[] = [
  [{}, /Exactly one of 'name' or 'filename'/],
  [{ name: null }, /Exactly one of 'name' or 'filename'/],
  [{ name: "a", filename: "b" }, /Exactly one of 'name' or 'filename'/],
  [{ filename: "b", version: "1" }, /'version' cannot be used with 'filename'/],
  [{ version: "1" }, /'version' requires 'name'/],
  [{ name: "a", version: "one" }, /not a valid version/],
  [{ name: "-a-" }, /cannot name a project/],
  [{ name: "Here" }, /this name and version already exists/],
  [{ name: "here", version: "1" }, /this name and version already exists/],
  [{ filename: "here.whl" }, /this filename already exists/],
  [{ name: "a", added_by: "x", other: 1 }, /Unexpected field/],
];

test("an entry that names nothing, or what is there, is refused", async (t) => {
  const api = await createPythonApi(t);
  const repository = await createRepository(api);
  const here = [{ name: "here" }, { name: "here", version: "1" }, { filename: "here.whl" }];
  for (const entry of here) await block(api, repository, entry);

  for (const [entry, text] of BAD) {
    const answer = await api.post(`${repository}blocklist_entries/`, entry);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.text, text);
  }
  assert.equal((await api.get(`${repository}blocklist_entries/`)).body.count, here.length);
});

const MATCHES: readonly (readonly [object, boolean])[] = [
  [{ name: "shelf-reader" }, true],
  [{ name: "shelf-reader", version: "0.1" }, true],
  [{ name: "shelf-reader", version: "0.2" }, false],
  [{ name: "shelf" }, false],
  [{ filename: sdist().filename }, true],
  [{ filename: wheel().filename }, false],
];

test("what an entry matches is refused at once, and in tasks", async (t) => {
  const api = await createPythonApi(t);
  const unit = (await uploaded(api, sdist())).pulp_href;
  const text = `Blocklisted packages cannot be added to this repository: ${sdist().filename}`;
  for (const [entry, isBlocked] of MATCHES) {
    const repository = await createRepository(api);
    await block(api, repository, entry);
    const json = { add_content_units: [unit] };
    const answer = await api.post(`${repository}modify/`, json);
    assert.equal(answer.status, isBlocked ? 400 : 202, JSON.stringify(entry));
    if (isBlocked) assert.deepEqual(answer.body, [text]);
    const task = await createPackage(api, sdist(), { repository });
    assert.equal(task.state, isBlocked ? "failed" : "completed", JSON.stringify(entry));
    if (isBlocked) assert.equal(task.error?.description, text);
    assert.deepEqual(await filenames(api, repository), isBlocked ? [] : [sdist().filename]);
  }
});

test("an entry is about what comes, not about what is there", async (t) => {
  const api = await createPythonApi(t);
  const repository = await createRepository(api);
  const unit = (await uploaded(api, sdist())).pulp_href;
  const other = (await uploaded(api, wheel({ name: "other" }))).pulp_href;
  await modify(api, repository, { add_content_units: [unit] });
  await block(api, repository, { name: "shelf-reader" });

  const task = await modify(api, repository, { add_content_units: [unit, other] });

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.equal((await filenames(api, repository)).length, 2);
});

test("where a refusal is no error the rest joins, and the report says why", async (t) => {
  const api = await createPythonApi(t);
  const repository = await createRepository(api, { error_on_reject: false });
  await block(api, repository, { filename: sdist().filename });
  const units = [
    (await uploaded(api, sdist())).pulp_href,
    (await uploaded(api, wheel())).pulp_href,
  ];

  const task = await modify(api, repository, { add_content_units: units });

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.deepEqual(await filenames(api, repository), [wheel().filename]);
  const [report] = task.progress_reports.filter(({ code }) => code === "repository.rejected");
  assert.equal(report?.suffix, `${sdist().filename}: it is on the blocklist`);
});
