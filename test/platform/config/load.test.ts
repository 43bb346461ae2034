import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";
import { loadSettings, SettingsError } from "#platform/config/load.ts";
import { allSettings } from "#platform/config/settings.ts";

const any = (value: unknown) => ({ schema: Type.Unknown(), default: value, doc: "x" });
const specs = defineSettings({
  ANY: any(1),
  LIST: any(["a", "b"]),
  MAP: any({ a: 1, deep: { list: [1], host: "h" } }),
  NAME: { schema: Type.String(), default: "n", doc: "x" },
  COUNT: { schema: Type.Integer({ minimum: 0 }), default: 3, doc: "x" },
  SECRET: { schema: Type.String(), default: "", doc: "x", secret: true },
});

type Environment = Readonly<Record<string, string>>;
const load = (environment: Environment) => loadSettings({ specs, environment });

/** `ANY` from the text of `PULP_ANY`. */
const literals: readonly (readonly [string, unknown])[] = [
  ["42", 42],
  ["-1.5", -1.5],
  ["True", true],
  ["FALSE", false],
  ["['a','b']", ["a", "b"]],
  ["[500.0,750.0]", [500, 750]],
  ["{a=1,b={c='d'}}", { a: 1, b: { c: "d" } }],
  ["007", "007"],
  ["plain text", "plain text"],
  ["'quoted'", "quoted"],
  ["2026-01-01", "2026-01-01"],
  ["1\nNAME = 2", "1\nNAME = 2"],
  ["", ""],
  ["@int 3", 3],
  ["@float 3", 3],
  ["@float .5e1", 5],
  ["@bool on", true],
  ["@bool nope", false],
  ["@str 007", "007"],
  ["@str true", "true"],
  ['@json {"a": [1, null]}', { a: [1, null] }],
  ["@none", null],
  ["@none None", null],
  ["@empty", 1],
  ["@reset [2]", [2]],
  ["@format {env[HOME]}/{this.NAME}", "/home/me/n"],
  ["@format {this.COUNT} of {env.HOME}", "3 of /home/me"],
  ["@unknown x", "@unknown x"],
  ["user@host", "user@host"],
];

for (const [text, value] of literals) {
  test(`PULP_ANY=${JSON.stringify(text)}`, () => {
    assert.deepEqual(load({ PULP_ANY: text, HOME: "/home/me" }).values.ANY, value);
  });
}

const merges: readonly (readonly [Environment, string, unknown])[] = [
  [{ PULP_LIST: "@merge ['c']" }, "LIST", ["a", "b", "c"]],
  [{ PULP_LIST: "@merge c,d" }, "LIST", ["a", "b", "c", "d"]],
  [{ PULP_LIST: "@merge c" }, "LIST", ["a", "b", "c"]],
  [{ PULP_LIST: "@merge 7" }, "LIST", ["a", "b", 7]],
  [{ PULP_LIST: "@merge_unique ['a','c']" }, "LIST", ["b", "a", "c"]],
  [{ PULP_LIST: "['c','dynaconf_merge']" }, "LIST", ["a", "b", "c"]],
  [{ PULP_LIST: "['a','dynaconf_merge_unique']" }, "LIST", ["b", "a"]],
  [{ PULP_LIST: "@insert 0 z" }, "LIST", ["z", "a", "b"]],
  [{ PULP_LIST: "@insert z" }, "LIST", ["z", "a", "b"]],
  [{ PULP_LIST: "@insert -1 z" }, "LIST", ["a", "z", "b"]],
  [{ PULP_LIST: "['c']" }, "LIST", ["c"]],
  [{ PULP_MAP: "{b=2}" }, "MAP", { b: 2 }],
  [{ PULP_MAP: "@merge {b=2}" }, "MAP", { a: 1, deep: { list: [1], host: "h" }, b: 2 }],
  [{ PULP_MAP: "@merge b=2, a=3" }, "MAP", { a: 3, deep: { list: [1], host: "h" }, b: 2 }],
  [
    { PULP_MAP: "{deep={list=[2]},dynaconf_merge=true}" },
    "MAP",
    { a: 1, deep: { list: [1, 2], host: "h" } },
  ],
  [{ PULP_MAP__a: "@del" }, "MAP", { deep: { list: [1], host: "h" } }],
  [{ PULP_MAP__deep__host: "db" }, "MAP", { a: 1, deep: { list: [1], host: "db" } }],
  [{ PULP_MAP__DEEP__HOST: "db" }, "MAP", { a: 1, deep: { list: [1], host: "db" } }],
  [{ PULP_MAP__deep__list: "@merge 2" }, "MAP", { a: 1, deep: { list: [1, 2], host: "h" } }],
  [{ PULP_MAP__new__Key: "x" }, "MAP", { a: 1, deep: { list: [1], host: "h" }, new: { Key: "x" } }],
  [{ PULP_MAP__b: "2", PULP_MAP: "{a=9}" }, "MAP", { a: 9, b: 2 }],
  [{ PULP_map__b: "2", PULP_MAP: "{}" }, "MAP", { b: 2 }],
  [{ PULP_LIST: "@del" }, "LIST", ["a", "b"]],
];

for (const [environment, name, value] of merges) {
  test(`merging ${JSON.stringify(environment)}`, () => {
    assert.deepEqual(load(environment).values[name], value);
  });
}

const files: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
  [".toml", 'NAME = "t"\nMAP__a = 2\n[ANY]\nx = "@int 5"\n', { NAME: "t", ANY: { x: 5 } }],
  [".toml", 'dynaconf_merge = true\nLIST = ["c"]\n', { LIST: ["a", "b", "c"] }],
  [".toml", "[default]\nCOUNT = 1\nNAME = 'd'\n[production]\nCOUNT = 2\n", { COUNT: 2, NAME: "d" }],
  [".yaml", "NAME: y\nLIST: [c, dynaconf_merge]\n", { NAME: "y", LIST: ["a", "b", "c"] }],
  [".yml", "MAP:\n  dynaconf_merge: true\n  a: 5\nWHEN: 2026-01-01\n", { NAME: "n" }],
  [".json", '{"NAME": "j", "COUNT": 9}', { NAME: "j", COUNT: 9 }],
  [".py", "base = 'p'\nNAME = base + 'y'\nMAP__a = 7\nCOUNT = 2 * 3\n", { NAME: "py", COUNT: 6 }],
];

for (const [extension, text, expected] of files) {
  test(`a ${extension} file: ${JSON.stringify(text)}`, (t) => {
    const file = settingsFile(t, `settings${extension}`, text);
    const { values } = load({ PULP_SETTINGS: file, PULP_ENV: "production" });
    const found = Object.fromEntries(Object.keys(expected).map((name) => [name, values[name]]));
    assert.deepEqual(found, expected);
  });
}

test("later files win, variables win over files, sources are known", (t) => {
  const first = settingsFile(t, "a.py", "NAME = 'one'\nCOUNT = 1\n");
  const second = settingsFile(t, "b.json", '{"NAME": "two"}');

  const loaded = load({ PULP_SETTINGS: `${first}; ${second}`, PULP_COUNT: "7" });

  assert.equal(loaded.values.NAME, "two");
  assert.equal(loaded.values.COUNT, 7);
  assert.deepEqual(loaded.sources.get("COUNT"), [`${first}:2`, "PULP_COUNT"]);
  assert.equal(loaded.sources.has("LIST"), false);
});

test("a text that looks like a number stays a text where a text is wanted", () => {
  assert.equal(load({ PULP_NAME: "12345" }).values.NAME, "12345");
  assert.equal(load({ PULP_NAME: "true" }).values.NAME, "true");
});

test("everything that is wrong is told at once, one sentence each", (t) => {
  const file = settingsFile(t, "settings.py", "COUNT = 1\nimport os\n");
  const missing = join(file, "..", "settings.ini");
  writeFileSync(missing, "");

  const problems = problemsOf({
    PULP_SETTINGS: `${file},${missing}`,
    PULP_COUNT: "-1",
    PULP_NAME: "@int x",
    PULP_SECRET: "[1]",
    PULP_ANY: "@format {env[NOPE]}",
    PULP_LIST: "@jinja {{ x }}",
  });

  assert.deepEqual(problems, [
    `The settings file ${file} holds 'import' in line 2; only assignments of literals are understood.`,
    `The settings file ${missing} is neither .toml, .yaml, .json nor .py.`,
    "PULP_LIST cannot be read: @jinja is not supported; use @format.",
    "PULP_NAME cannot be read: 'x' is not an integer.",
    "ANY cannot be read: {env[NOPE]} of @format has no value.",
    "COUNT must be an integer of at least 0, but is -1 (PULP_COUNT).",
  ]);
});

test("the place inside a map is named", () => {
  const problems = problemsOf(
    { PULP_CACHE_SETTINGS__EXPIRES_TTL: "soon", PULP_LOG_LEVEL: "loud" },
    allSettings,
  );

  assert.deepEqual(problems, [
    'LOG_LEVEL must be "debug", "info", "warn" or "error", but is "loud" (PULP_LOG_LEVEL).',
    'CACHE_SETTINGS.EXPIRES_TTL must be an integer of at least 0 or null, but is "soon" (PULP_CACHE_SETTINGS__EXPIRES_TTL).',
  ]);
});

test("the rules of the peer speak its words", () => {
  const problems = problemsOf(
    {
      PULP_API_ROOT: "/pulp",
      PULP_WORKER_TYPE: "celery",
      PULP_ALLOWED_CONTENT_CHECKSUMS: "['sha512']",
    },
    allSettings,
  );

  assert.deepEqual(problems, [
    "The API_ROOT must start and end with a '/', currently it is '/pulp'",
    "ALLOWED_CONTENT_CHECKSUMS MUST contain 'sha256'.",
    "WORKER_TYPE must be either 'pulpcore' or 'redis', got 'celery'.",
  ]);
});

test("secrets are not in the sentences", () => {
  const problems = problemsOf(
    {
      PULP_DATABASES: "{default='postgresql://u:hunter2@h/x'}",
      PULP_SECRET_KEY: '@json {"hunter2":1}',
      PULP_REST_FRAMEWORK: "hunter1",
    },
    allSettings,
  );

  assert.equal(problems.length, 3);
  assert.equal(problems.join().includes("hunter2"), false);
});

test("unknown names warn with the nearest one, known foreign names do not", () => {
  const { warnings } = load({
    PULP_COUNTT: "1",
    PULP_XYZZY: "1",
    PULP_SETTINGS: "",
    PULP_WORKERS: "2",
    PULP_API_WORKERS_MAX_REQUESTS_JITTER: "5",
    PULP_AUTH_LDAP_SERVER_URI: "ldap://x",
    PULPIT: "1",
  });

  assert.deepEqual(warnings, [
    "There is no setting COUNTT (PULP_COUNTT); did you mean COUNT?",
    "There is no setting XYZZY (PULP_XYZZY).",
  ]);
});

test("a file that is not there warns", () => {
  assert.deepEqual(load({ PULP_SETTINGS: "/nowhere/settings.py" }).warnings, [
    "The settings file /nowhere/settings.py of PULP_SETTINGS does not exist.",
  ]);
});

test("folders follow DEPLOY_ROOT unless they are given", () => {
  const environment = { PULP_DEPLOY_ROOT: "/data", PULP_WORKING_DIRECTORY: "/fast" };
  const { values } = loadSettings({ specs: allSettings, environment });

  assert.equal(values.MEDIA_ROOT, "/data/media");
  assert.equal(values.WORKING_DIRECTORY, "/fast");
  assert.equal(values.FILE_UPLOAD_TEMP_DIR, "/fast");
});

test("values of the start are below files and variables", () => {
  const base = { NAME: "start", COUNT: 5 };
  const { values } = loadSettings({ specs, environment: { PULP_NAME: "mine" }, base });

  assert.equal(values.NAME, "mine");
  assert.equal(values.COUNT, 5);
});

test("every default is legal", () => {
  const { values, warnings } = loadSettings({ specs: allSettings, environment: {} });

  assert.deepEqual(warnings, []);
  assert.equal(values.MEDIA_ROOT, "/var/lib/pulp/media");
});

function problemsOf(environment: Environment, table: typeof specs | typeof allSettings = specs) {
  try {
    loadSettings({ specs: table, environment });
  } catch (error) {
    assert.ok(error instanceof SettingsError);
    return error.problems;
  }
  assert.fail("the settings were accepted");
}

function settingsFile(t: TestContext, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "deckle-settings-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

test("variables that a cluster makes of its services are nobody's settings", () => {
  const environment = {
    PULP_API_SERVICE_HOST: "10.0.0.1",
    PULP_API_PORT_8000_TCP: "tcp://10.0.0.1:8000",
    PULP_CONTENT_PORT: "tcp://10.0.0.2:8000",
    PULP_CLAMAV_PORT_10000_TCP_ADDR: "10.0.0.3",
  };
  assert.deepEqual(loadSettings({ specs: allSettings, environment }).warnings, []);
});
