import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestApi, ROOT, type TestApi } from "../support/rest-api.ts";

async function repositories(api: TestApi, all: Readonly<Record<string, object>>): Promise<void> {
  for (const [name, pulp_labels] of Object.entries(all)) {
    const { status, text } = await api.post("repositories/file/file/", { name, pulp_labels });
    assert.equal(status, 201, text);
  }
}

test("a label is set and taken by one statement each, and the object is not updated", async (t) => {
  const api = await createTestApi(t);
  await repositories(api, { zoo: { a: "1" } });
  const { pulp_href, pulp_last_updated } = (await api.get("repositories/file/file/")).body
    .results[0];
  const label = (name: string, json: object) => api.post(`${pulp_href}${name}_label/`, json);

  const statements = await api.statementsOf(() => label("set", { key: "b", value: "2", more: 1 }));
  assert.equal(statements.length, 2, "the label, and the entry of the audit trail");
  assert.deepEqual((await label("set", { key: "c", value: null })).body, { key: "c", value: null });
  assert.deepEqual((await label("set", { key: "d.e f", value: "" })).body, {
    key: "d.e f",
    value: "",
  });
  const taken = await api.statementsOf(async () => {
    const { status, body } = await label("unset", { key: "a" });
    assert.equal(status, 201);
    assert.deepEqual(body, { key: "a", value: "1" });
  });
  assert.equal(taken.length, 2);

  const { body } = await api.get(pulp_href);
  assert.deepEqual(body.pulp_labels, { b: "2", c: null, "d.e f": "" });
  assert.equal(body.pulp_last_updated, pulp_last_updated);
});

test("labels that two clients set at once are both there", async (t) => {
  const api = await createTestApi(t);
  await repositories(api, { zoo: {} });
  const { pulp_href } = (await api.get("repositories/file/file/")).body.results[0];
  const keys = Array.from({ length: 20 }, (_, n) => `k${n}`);

  await Promise.all(keys.map((key) => api.post(`${pulp_href}set_label/`, { key, value: key })));

  const { body } = await api.get(pulp_href);
  assert.deepEqual(Object.keys(body.pulp_labels).toSorted(), keys.toSorted());
});

const BAD =
  "contains invalid characters. Only alphanumerics, underscores, spaces, hyphens, and dots are allowed.";

const REFUSED: readonly (readonly [string, object, object])[] = [
  ["set", {}, { key: ["This field is required."], value: ["This field is required."] }],
  ["set", { key: "a,b", value: "" }, { key: [`Key 'a,b' ${BAD}`] }],
  ["set", { key: "\u001b[31m", value: "" }, { key: [`Key '\u001b[31m' ${BAD}`] }],
  ["set", { key: "a", value: "(" }, { value: ["Key 'a' contains value with parenthesis."] }],
  ["set", { key: "a", value: 5 }, { value: ["Not a valid string."] }],
  ["unset", { key: "zzz" }, { key: ["Label 'zzz' is not set on the object."] }],
  ["unset", {}, { key: ["This field is required."] }],
];

test("labels that are not allowed", async (t) => {
  const api = await createTestApi(t);
  const { pulp_href } = (await api.get("domains/")).body.results[0];
  for (const [name, json, detail] of REFUSED) {
    const { status, body } = await api.post(`${pulp_href}${name}_label/`, json);
    assert.equal(status, 400, JSON.stringify(json));
    assert.deepEqual(body, detail);
  }
  const map = await api.post("repositories/file/file/", { name: "x", pulp_labels: { "a,b": "" } });
  assert.deepEqual(map.body, { pulp_labels: [`Key 'a,b' ${BAD}`] });
});

test("labels of nothing are 404", async (t) => {
  const api = await createTestApi(t);
  const missing = `${ROOT}repositories/file/file/01900000-0000-7000-8000-000000000000/`;

  for (const action of ["set_label", "unset_label"]) {
    const { status, body } = await api.post(`${missing}${action}/`, { key: "a", value: "b" });
    assert.equal(status, 404);
    assert.deepEqual(body, { detail: "No FileRepository matches the given query." });
    assert.equal(
      (await api.post(`${ROOT}domains/x/${action}/`, { key: "a", value: "b" })).status,
      404,
    );
  }
});

const SELECT: readonly (readonly [string, readonly string[]])[] = [
  ["env", ["both", "prod", "test"]],
  ["!env", ["none", "other"]],
  ["env=prod", ["both", "prod"]],
  ["env!=prod", ["test"]],
  ["env~RO", ["both", "prod"]],
  ["env=prod,team", ["both"]],
  ["env=prod,!team", ["prod"]],
  ["env,team=a\\,b", ["both"]],
  ["note=", ["other"]],
  ["note~", ["other"]],
  ["note~%", []],
  [" env = prod ", ["both", "prod"]],
];

test("selection by labels", async (t) => {
  const api = await createTestApi(t);
  await repositories(api, {
    prod: { env: "prod" },
    test: { env: "test" },
    both: { env: "prod", team: "a,b" },
    none: {},
    other: { note: "" },
  });

  for (const [select, names] of SELECT) {
    const query = `pulp_label_select=${encodeURIComponent(select)}`;
    const { status, body } = await api.get(`repositories/file/file/?${query}`);
    assert.equal(status, 200, select);
    const found = body.results.map(({ name }: { name: string }) => name).toSorted();
    assert.deepEqual(found, names, select);
  }
  for (const [select, text] of [
    ["", "Invalid search term: ''."],
    ["a(b", "Invalid search term: 'a(b'."],
    ["!env=prod", "Cannot use an operator with '!key'."],
  ] as const) {
    const query = `pulp_label_select=${encodeURIComponent(select)}`;
    const { status, body } = await api.get(`repositories/file/file/?${query}`);
    assert.equal(status, 400, select);
    assert.deepEqual(body, [text]);
  }
});
