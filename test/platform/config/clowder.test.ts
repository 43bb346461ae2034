import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readClowderFile } from "#platform/config/clowder.ts";
import { FileError } from "#platform/config/files.ts";
import { loadSettings } from "#platform/config/load.ts";
import type { Tree } from "#platform/config/merge.ts";
import { allSettings } from "#platform/config/settings.ts";

const database = {
  ...{ hostname: "db.example", port: 5432, name: "pulp", username: "u", password: "@int 5" },
  ...{ adminUsername: "root", adminPassword: "other" },
};
const objectStore = {
  ...{ hostname: "store.example", port: 9000, tls: true, accessKey: "outer", secretKey: "s" },
  buckets: [
    { name: "real-1", requestedName: "pulp-default-domain-s3", accessKey: "inner", region: "r" },
    { name: "real-2", requestedName: "other" },
  ],
};

function written(t: TestContext, content: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), "deckle-clowder-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "cdappconfig.json");
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

const told = (t: TestContext, content: object) => {
  const config = readClowderFile(written(t, content));
  assert.ok(config);
  return config;
};

const optionsOf = (values: Tree) =>
  (values.DATABASES as { default: { OPTIONS?: unknown } }).default.OPTIONS;

test("the file becomes settings; what others need of it is left alone", (t) => {
  const inMemoryDb = { hostname: "redis.example", port: 6380, password: "p", username: null };
  const kafka = { brokers: [] };
  const metadata = { name: "pulp", envName: "stage", deployments: null };
  const { values, environmentName } = told(t, {
    ...{ database, inMemoryDb, objectStore, kafka, metadata, metricsPort: 9000 },
  });

  assert.equal(environmentName, "stage");
  assert.deepEqual(values, {
    DATABASES: {
      default: { NAME: "pulp", USER: "u", PASSWORD: "@int 5", HOST: "db.example", PORT: 5432 },
    },
    REDIS_HOST: "redis.example",
    REDIS_PORT: 6380,
    REDIS_USERNAME: null,
    REDIS_PASSWORD: "p",
    REDIS_SSL: false,
    STORAGES: {
      default: {
        BACKEND: "storages.backends.s3.S3Storage",
        OPTIONS: {
          ...{ bucket_name: "real-1", access_key: "inner", secret_key: "s", region_name: "r" },
          ...{ endpoint_url: "https://store.example:9000", addressing_style: "path" },
        },
      },
    },
  });
});

test("a file that says nothing of services sets nothing, and no file is none", (t) => {
  const { values, environmentName } = told(t, { logging: { type: "null" }, objectStore: null });
  assert.deepEqual({ values, environmentName }, { values: {}, environmentName: undefined });
  assert.deepEqual(told(t, { objectStore: { ...objectStore, buckets: [] } }).values, {});
  assert.equal(readClowderFile(join(tmpdir(), "no-such-folder", "cdappconfig.json")), undefined);
});

const CA = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
const modes: readonly (readonly [string | null, string | null, unknown])[] = [
  [null, null, undefined],
  ["disable", CA, undefined],
  ["allow", null, { sslmode: "no-verify" }],
  ["prefer", null, { sslmode: "no-verify" }],
  ["require", null, { sslmode: "no-verify" }],
  ["require", CA, { sslmode: "require", sslrootcert: CA }],
  ["verify-ca", CA, { sslmode: "verify-ca", sslrootcert: CA }],
  ["verify-full", CA, { sslmode: "verify-full", sslrootcert: CA }],
  ["verify-full", "", { sslmode: "verify-full" }],
];

for (const [sslMode, rdsCa, options] of modes) {
  test(`sslMode ${sslMode} with ${rdsCa ? "an" : "no"} authority`, (t) => {
    const { values } = told(t, { database: { ...database, sslMode, rdsCa } });
    assert.deepEqual(optionsOf(values), options);
  });
}

for (const [sslMode, wanted] of [
  [true, true],
  ["verify-full", true],
  ["disable", false],
  [false, false],
] as const) {
  test(`a Redis with sslMode ${sslMode}`, (t) => {
    const { values } = told(t, { inMemoryDb: { hostname: "r", port: 1, sslMode } });
    assert.equal(values.REDIS_SSL, wanted);
  });
}

const wrong: readonly (readonly [unknown, RegExp])[] = [
  ['{"database": {"password": "hunter2"', /cdappconfig\.json of ACG_CONFIG is no JSON\.$/],
  [[], /cannot be used: it must be a map\.$/],
  [{ database: { ...database, port: "hunter2" } }, /database\.port must be an integer from 1 to/],
  [{ database: { ...database, hostname: null } }, /database\.hostname must be a text\.$/],
  [{ database: { ...database, sslMode: "hunter2" } }, /database\.sslMode must be "disable", /],
  [{ objectStore: { hostname: "h", port: 1, buckets: [{ name: 3 }] } }, /buckets\.0\.name must/],
];

for (const [content, message] of wrong) {
  test(`a wrong file is told with its place: ${message}`, (t) => {
    const file = written(t, content);
    assert.throws(
      () => readClowderFile(file),
      (error: Error) => {
        assert.ok(error instanceof FileError);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  });
}

test("the platform is above the defaults and below everything that is given", (t) => {
  const { values } = told(t, { database, objectStore });
  const load = (environment: Record<string, string>, base = {}) =>
    loadSettings({
      ...{ specs: allSettings, environment, base },
      platform: { values, source: "cdappconfig.json" },
    });

  const plain = load({});
  assert.deepEqual(plain.sources.get("DATABASES"), ["cdappconfig.json"]);
  assert.ok("staticfiles" in (plain.values.STORAGES as Tree));
  const mixed = load({
    PULP_DATABASES__default__HOST: "mine",
    PULP_STORAGES__default__OPTIONS__signature_version: "s3v4",
  });
  const { HOST, PASSWORD } = (mixed.values.DATABASES as { default: Tree }).default;
  assert.deepEqual({ HOST, PASSWORD }, { HOST: "mine", PASSWORD: "@int 5" });
  const { OPTIONS } = (mixed.values.STORAGES as { default: { OPTIONS: Tree } }).default;
  assert.equal(OPTIONS.bucket_name, "real-1");
  assert.equal(OPTIONS.signature_version, "s3v4");
  const based = load({}, { DATABASES: { default: { NAME: "embedded" } } });
  assert.deepEqual(based.values.DATABASES, { default: { NAME: "embedded" } });
  assert.equal(based.sources.has("DATABASES"), false);
});
