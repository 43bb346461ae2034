import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { createTestApi, formOf } from "../support/rest-api.ts";

const JSON_TYPE = { "content-type": "application/json" };
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };

/** Payload, headers, status, and what the answer says. */
type Case = readonly [string, string | Buffer, Record<string, string>, number, RegExp];

const deep = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
const manyKeys = (count: number) =>
  `{${Array.from({ length: count }, (_, n) => `"k${n}":1`).join()}}`;

const CASES: readonly Case[] = [
  ["broken JSON", '{"a":', JSON_TYPE, 400, /JSON parse error - /],
  ["a list", "[]", JSON_TYPE, 400, /Expected a dictionary, but got list/],
  ["a text", '"x"', JSON_TYPE, 400, /Expected a dictionary, but got str/],
  ["a number", "1", JSON_TYPE, 400, /Expected a dictionary, but got int/],
  ["null", "null", JSON_TYPE, 400, /Expected a dictionary, but got NoneType/],
  ["a byte order mark", "\ufeff{}", JSON_TYPE, 400, /JSON parse error/],
  ["bytes that are no UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), JSON_TYPE, 400, /UTF-8/],
  ["depth 10 000", deep(10_000), JSON_TYPE, 400, /nested too deeply/i],
  ["a key twice", '{"username":"a","username":"b"}', JSON_TYPE, 400, /occurs twice/],
  ["a million keys", manyKeys(1_000_000), JSON_TYPE, 413, /larger than/],
  ["two thousand keys", manyKeys(2_000), JSON_TYPE, 400, /more than 1000/],
  [
    "another type",
    "<a/>",
    { "content-type": "text/xml" },
    415,
    /Unsupported media type \\"text\/xml/,
  ],
  ["no type", "{}", {}, 415, /Unsupported media type/],
  ["an odd parameter", '{"username":"a"}', { "content-type": "application/json\t;x" }, 201, /"a"/],
  ["a leading space", '{"username":"b"}', { "content-type": " application/json" }, 201, /"b"/],
  [
    "a gzip body",
    gzipSync('{"username":"c"}'),
    { ...JSON_TYPE, "content-encoding": "gzip" },
    415,
    /gzip/,
  ],
  ["no boundary", "--x\r\n", { "content-type": "multipart/form-data" }, 400, /Form parse error/],
  [
    "an end that never comes",
    '--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nd',
    { "content-type": "multipart/form-data; boundary=x" },
    400,
    /Form parse error|required/,
  ],
  ["too many fields", "a=1&".repeat(1001), FORM_TYPE, 400, /more than 1000 fields/],
  ["a body over its limit", `a=${"x".repeat(3_000_000)}`, FORM_TYPE, 413, /larger than/],
  ["a number beyond all", '{"username":1e400}', JSON_TYPE, 400, /Not a valid string/],
  ["a NUL", '{"username":"a\\u0000b"}', JSON_TYPE, 400, /Null characters are not allowed/],
  ["a lone surrogate", '{"username":"a\\ud800b"}', JSON_TYPE, 400, /not allowed/],
];

test("bodies that are wrong are refused, and never a 500", async (t) => {
  const api = await createTestApi(t);
  for (const [what, payload, headers, status, text] of CASES) {
    const answer = await api.request("POST", "users/", { payload, headers });
    assert.equal(answer.status, status, `${what}: ${answer.text.slice(0, 200)}`);
    assert.match(answer.text, text, what);
    assert.equal(answer.headers["content-type"], "application/json", what);
  }
  assert.deepEqual(
    api.logged.filter((line) => line.startsWith("ERROR")),
    [],
  );
});

test("unknown keys are refused after every other check, prototypes stay what they are", async (t) => {
  const api = await createTestApi(t);
  const task = (await api.post("tasks/purge/", {})).body.task;
  const { pulp_href } = (await api.post("uploads/", { size: 1 })).body;
  assert.ok(task);

  const unknown = await api.post("uploads/", { size: 1, extra: 2, more: 3 });
  assert.equal(unknown.status, 400);
  assert.deepEqual(unknown.body, { extra: ["Unexpected field"], more: ["Unexpected field"] });

  const both = await api.post("uploads/", { size: "x", extra: 2 });
  assert.deepEqual(both.body, { size: ["A valid integer is required."] });

  for (const key of ["__proto__", "constructor", "toString"]) {
    const payload = `{"size": 1, "${key}": {"polluted": true}}`;
    const answer = await api.request("POST", "uploads/", { payload, headers: JSON_TYPE });
    assert.equal(answer.status, 400, key);
    assert.equal(answer.text, `{"${key}":["Unexpected field"]}`);
  }
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);

  const token = await api.post("uploads/", { size: 1, csrfmiddlewaretoken: "x" });
  assert.equal(token.status, 201, "the token of browsers is ignored");
  const echoed = await api.post("uploads/", { size: 1, pulp_href, prn: "x" });
  assert.equal(echoed.status, 201, "what we say may come back");
});

const INTEGERS: readonly (readonly [unknown, string])[] = [
  [1.5, "A valid integer is required."],
  [2 ** 63, "A valid integer is required."],
  ["1", "A valid integer is required."],
  [true, "A valid integer is required."],
  [-1, "Ensure this value is greater than or equal to 0."],
  [null, "This field may not be null."],
  [[], "A valid integer is required."],
];

test("integers are integers", async (t) => {
  const api = await createTestApi(t);
  for (const [size, text] of INTEGERS) {
    const { status, body } = await api.post("uploads/", { size });
    assert.equal(status, 400, String(size));
    assert.deepEqual(body, { size: [text] });
  }
  const zero = await api.request("POST", "uploads/", {
    payload: '{"size": -0}',
    headers: JSON_TYPE,
  });
  assert.equal(zero.status, 201);
  assert.equal(zero.body.size, 0);
});

test("lists and maps come in forms as repeated keys, indexes and JSON", async (t) => {
  const api = await createTestApi(t);
  const states = async (payload: string) => {
    const answer = await api.request("POST", "tasks/purge/", { payload, headers: FORM_TYPE });
    return answer.status;
  };

  assert.equal(await states("states=failed&states=completed"), 202);
  assert.equal(await states("states[0]=failed&states[1]=completed"), 202);
  assert.equal(await states("states=failed"), 202);
  assert.equal(await states("states=running"), 400);
  assert.equal(await states("states[0]=failed&states[1]=nonsense"), 400);

  const json = await api.post("tasks/purge/", { states: ["failed", "running", "x"] });
  assert.deepEqual(json.body, {
    states: { 1: ['"running" is not a valid choice.'], 2: ['"x" is not a valid choice.'] },
  });
  assert.deepEqual((await api.post("tasks/purge/", { states: "failed" })).body, {
    states: ['Expected a list of items but got type "str".'],
  });

  const labelled = await api.request("POST", "repositories/file/file/", {
    ...formOf({ name: "zoo", pulp_labels: '{"a": "1", "b": null}' }),
  });
  assert.equal(labelled.status, 201, labelled.text);
  assert.deepEqual(labelled.body.pulp_labels, { a: "1", b: null });
  const broken = await api.request("POST", "repositories/file/file/", {
    ...formOf({ name: "zoo2", pulp_labels: "{a" }),
  });
  assert.deepEqual(broken.body, { pulp_labels: ["Value must be valid JSON."] });
});

test("names of files do nothing, and a file where a text is wanted is no text", async (t) => {
  const api = await createTestApi(t);

  const upload = await api.request(
    "POST",
    "artifacts/",
    formOf({}, [{ name: "file", bytes: "abc", filename: "../../etc/passwd" }]),
  );
  assert.equal(upload.status, 201, upload.text);
  assert.match(upload.body.file, /^artifact\/ba\/7816bf/);

  const json = await api.post("artifacts/", { file: "abc" });
  assert.equal(json.status, 415);
  const text = await api.request("POST", "artifacts/", formOf({ file: "abc" }));
  assert.deepEqual(text.body, {
    file: ["The submitted data was not a file. Check the encoding type on the form."],
  });
  const none = await api.request("POST", "artifacts/", formOf({}));
  assert.deepEqual(none.body, { file: ["No file was submitted."] });
  const parts = Object.fromEntries(Array.from({ length: 1100 }, (_, n) => [`f${n}`, "1"]));
  assert.equal((await api.request("POST", "artifacts/", formOf(parts))).status, 400);
});

test("a name that no index holds is too long, not taken", async (t) => {
  const api = await createTestApi(t);
  const name = randomBytes(4000).toString("hex");
  for (const [path, json] of [
    ["repositories/file/file/", { name }],
    ["remotes/file/file/", { name, url: "http://a.example/" }],
    ["contentguards/core/rbac/", { name }],
  ] as const) {
    const { status, body } = await api.post(path, json);
    assert.equal(status, 400, path);
    assert.deepEqual(body, { non_field_errors: ["A value is too long."] }, path);
  }
});

test("how many fields a body may have follows DATA_UPLOAD_MAX_NUMBER_FIELDS", async (t) => {
  const fields = Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`k${n}`, "v"]));
  const form = {
    payload: new URLSearchParams(fields).toString(),
    headers: FORM_TYPE,
  };
  const statusOf = async (limit: number) => {
    const settings = { DATA_UPLOAD_MAX_NUMBER_FIELDS: limit };
    const api = await createTestApi(t, { settings });
    const bodies = [{ json: fields }, form, formOf(fields)];
    const answers = [];
    for (const body of bodies) answers.push(await api.request("POST", "users/", body));
    return answers.map(({ status, text }) => `${status} ${/more than 5/.test(text)}`);
  };
  assert.deepEqual(await statusOf(5), ["400 true", "400 true", "400 true"]);
  assert.deepEqual(await statusOf(6), ["400 false", "400 false", "400 false"]);
});
