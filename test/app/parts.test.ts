import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bindText, originOf, parseBind } from "#app/bind.ts";
import { databasesOf, databaseUrl } from "#app/database-url.ts";
import { lockHome } from "#app/home-lock.ts";
import { requireDomains } from "#app/runtime.ts";
import { readServerFlags } from "#app/server-flags.ts";
import { openHome, storeOpener } from "#app/stores.ts";
import { uuid7 } from "#base/uuid7.ts";
import { file } from "#plugins/file/plugin.ts";
import { testSettings } from "../support/context.ts";
import { temporaryFolder } from "./program.ts";

const binds: readonly (readonly [string, object, string])[] = [
  ["127.0.0.1:80", { host: "127.0.0.1", port: 80 }, "127.0.0.1:80"],
  ["[::1]:24817", { host: "::1", port: 24_817 }, "[::1]:24817"],
  [":80", { host: "::", port: 80 }, "[::]:80"],
  ["80", { host: "::", port: 80 }, "[::]:80"],
  ["host.example:0", { host: "host.example", port: 0 }, "host.example:0"],
  ["unix:/run/x.sock", { path: "/run/x.sock" }, "unix:/run/x.sock"],
];

for (const [text, bind, shown] of binds) {
  test(`the address ${text}`, () => {
    assert.deepEqual(parseBind(text), bind);
    assert.equal(bindText(parseBind(text)), shown);
  });
}

for (const text of ["", "host", "host:", "host:99999", "a:b:1", "::1:80", "host:-1", "host:80x"]) {
  test(`the address '${text}' is refused`, () => {
    assert.throws(() => parseBind(text), /must be host:port/);
  });
}

test("a wildcard address is reached by the machine's name", () => {
  assert.equal(originOf(parseBind("0.0.0.0:1"), "box"), "http://box:1");
  assert.equal(originOf(parseBind("[::1]:1"), "box"), "http://[::1]:1");
  assert.equal(originOf(parseBind("unix:/x"), "box"), null);
});

const addresses: readonly (readonly [string, object])[] = [
  ["postgresql://u@h/d", { NAME: "d", USER: "u", HOST: "h" }],
  [
    "postgresql://u:p%40%3A%2F@h:1/d",
    { NAME: "d", USER: "u", PASSWORD: "p@:/", HOST: "h", PORT: "1" },
  ],
  ["postgresql://u@localhost/d?host=%2Frun%2Fpg", { NAME: "d", USER: "u", HOST: "/run/pg" }],
  ["postgresql://u@[::1]:5/d", { NAME: "d", USER: "u", HOST: "::1", PORT: "5" }],
  [
    "postgresql://u@h/d?sslmode=require",
    { NAME: "d", USER: "u", HOST: "h", OPTIONS: { sslmode: "require" } },
  ],
];

for (const [address, parts] of addresses) {
  test(`the database ${address}`, () => {
    assert.deepEqual(databasesOf(address).default, parts);
    assert.equal(databaseUrl(databasesOf(address)), address);
  });
}

test("numbers of settings files are texts of addresses", () => {
  const url = databaseUrl({
    default: { NAME: "n", USER: "u", PASSWORD: 123, HOST: "h", PORT: 5432 },
  });
  assert.equal(url, "postgresql://u:123@h:5432/n");
});

for (const address of ["mysql://u@h/d", "postgresql://h", "nonsense"]) {
  test(`DATABASE_URL=${address} is refused`, () => {
    assert.throws(() => databasesOf(address), /DATABASE_URL must be/);
  });
}

test("a folder is locked once", async (t) => {
  const home = await temporaryFolder(t);
  const lock = await lockHome(home);

  await assert.rejects(lockHome(home), new RegExp(`in use by process ${process.pid}`));
  await lock[Symbol.asyncDispose]();

  const again = await lockHome(home);
  await again[Symbol.asyncDispose]();
  assert.equal(existsSync(again.file), false);
});

test("locks of processes that have gone, and torn ones, are taken over", async (t) => {
  const home = await temporaryFolder(t);
  const file = join(home, "deckle.lock");
  const { pid } = spawnSync("true");
  const stale = [
    JSON.stringify({ pid, born: "long ago" }),
    // Our own number, from before the machine was started.
    JSON.stringify({ pid: process.pid, born: "another boot" }),
    '{"pid":',
    "",
  ];
  for (const text of stale) {
    writeFileSync(file, text);
    const lock = await lockHome(home);
    assert.equal(JSON.parse(readFileSync(file, "utf8")).pid, process.pid);
    await lock[Symbol.asyncDispose]();
  }
});

test("of many that find a stale lock, one gets it", async (t) => {
  const home = await temporaryFolder(t);
  writeFileSync(join(home, "deckle.lock"), "{}");

  const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockHome(home)));

  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
});

test("stores are opened by their class, and an unnamed folder is none without MEDIA_ROOT", () => {
  const open = storeOpener({ ...testSettings("/"), MEDIA_ROOT: "" }, uuid7());
  const class_ = (storageClass: string, options = {}) => open({ storageClass, options });
  const folder = "pulpcore.app.models.storage.FileSystem";
  assert.equal(class_(folder, { location: "" }), undefined);
  assert.ok(class_(folder, { location: "/srv/a" }));
  assert.ok(class_("storages.backends.s3.S3Storage", { bucket_name: "b" }));
  assert.ok(class_("storages.backends.azure_storage.AzureStorage", { azure_container: "c" }));
  assert.ok(class_("storages.backends.gcloud.GoogleCloudStorage", { bucket_name: "b" }));
  for (const name of ["OCIStorageBackend", "OCIStorage", "AIPCCStorageBackend"])
    assert.ok(class_(`pulp_service.app.storage.${name}`, { registry: "quay.io" }));
  for (const name of ["storages.backends.sftpstorage.SFTP", "pulpcore.app.models.storage.PulpSFTP"])
    assert.ok(class_(`${name}Storage`, { host: "h" }));
  assert.equal(class_("storages.backends.dropbox.DropboxStorage"), undefined);
});

test("wrong options of the store of the settings stop the start", () => {
  const BACKEND = "storages.backends.s3.S3Storage";
  const settings = {
    ...testSettings("/"),
    STORAGES: { default: { BACKEND, OPTIONS: { bucket_name: "b" } } },
  };
  assert.throws(
    () => openHome(settings, storeOpener(settings, uuid7())),
    /STORAGES\.default\.OPTIONS cannot be used: .*access_key.*required/,
  );
});

test("flags of the servers", (t) => {
  t.after(() => {
    for (const name of ["GUNICORN_CMD_ARGS", "PULP_WORKER_NAME_TEMPLATE", "PULP_LOG_LEVEL"]) {
      delete process.env[name];
    }
  });
  process.env.GUNICORN_CMD_ARGS = "--workers 3 --timeout 90";
  const flags = [
    ...["-b", "127.0.0.1:1", "--bind", "[::1]:2", "--access-logfile", "-", "--preload"],
    ...["--graceful-timeout", "5", "--keep-alive", "7", "--name-template", "x{pid}"],
    ...["--log-level", "WARNING", "pulpcore.app.wsgi:application"],
  ];

  const command = readServerFlags(flags, { name: "api", port: 24_817 });

  assert.deepEqual(command, {
    server: {
      binds: [
        { host: "127.0.0.1", port: 1 },
        { host: "::1", port: 2 },
      ],
      graceMs: 5000,
      requestTimeoutMs: 90_000,
      accessLogfile: "-",
      keepAliveTimeoutMs: 7000,
    },
    role: "api",
    workers: 3,
    recycling: { maxRequests: 10_000, jitter: 500 },
    timeoutSeconds: 90,
    isReloading: false,
    ignored: ["preload"],
    isHelp: false,
  });
  assert.equal(process.env.PULP_WORKER_NAME_TEMPLATE, "@str x{pid}");
  assert.equal(process.env.PULP_LOG_LEVEL, "@str warn");
});

const API = { name: "api", port: 1 } as const;

test("flags win over the common ones, and those over variables", (t) => {
  const variables: Readonly<Record<string, string>> = {
    GUNICORN_CMD_ARGS: `--config /usr/bin/x.py --max-requests 30 --access-logformat '%(h)s "%(r)s"'`,
    PULP_API_GUNICORN_WORKERS: "5",
    PULP_API_GUNICORN_TIMEOUT: "1800",
    PULP_API_GUNICORN_MAX_REQUESTS: "20",
    PULP_API_GUNICORN_MAX_REQUESTS_JITTER: "5",
    PULP_GUNICORN_TIMEOUT: "90",
    PULP_CONTENT_WORKERS: "2",
    PULP_CONTENT_GUNICORN_GRACEFUL_TIMEOUT: "300",
    PULP_GUNICORN_RELOAD: "true",
  };
  Object.assign(process.env, variables);
  t.after(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });

  const api = readServerFlags(["--workers", "3"], API);
  assert.equal(api.workers, 3);
  assert.equal(api.timeoutSeconds, 1800);
  assert.deepEqual(api.recycling, { maxRequests: 30, jitter: 0 });
  assert.equal(api.server.accessLogformat, '%(h)s "%(r)s"');
  delete process.env.GUNICORN_CMD_ARGS;
  assert.deepEqual(readServerFlags([], API).recycling, { maxRequests: 20, jitter: 5 });
  const content = readServerFlags([], { name: "content", port: 1 });
  assert.deepEqual(
    [content.workers, content.timeoutSeconds, content.server.graceMs, content.isReloading],
    [2, 90, 300_000, true],
  );
  assert.deepEqual(content.recycling, { maxRequests: 0, jitter: 0 });
  process.env.PULP_API_GUNICORN_WORKERS = "many";
  assert.throws(() => readServerFlags([], API), /PULP_API_GUNICORN_WORKERS must be a whole number/);
});

test("without flags a server listens everywhere", () => {
  assert.deepEqual(readServerFlags([], { name: "content", port: 24_816 }).server.binds, [
    { host: "::", port: 24_816 },
  ]);
  assert.throws(
    () => readServerFlags(["--workers", "many"], API),
    /--workers must be a whole number/,
  );
  assert.throws(() => readServerFlags(["--worker", "2"], API), /Unknown option '--worker'/);
  assert.throws(() => readServerFlags(["other:app"], API), /nothing to do with 'other:app'/);
});

test("with domains, nothing starts beside a plugin that knows none", () => {
  const plain = { ...file, isDomainCompatible: false };
  const settings = testSettings("/nowhere", { DOMAIN_ENABLED: true });

  assert.throws(() => requireDomains(settings, [plain]), /keep no domains apart: file\./);
  assert.doesNotThrow(() => requireDomains(settings, [file]));
  assert.doesNotThrow(() => requireDomains(testSettings("/nowhere"), [plain]));
});
