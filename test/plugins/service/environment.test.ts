import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { knownSettings } from "#app/configure.ts";
import { loadSettings } from "#platform/config/load.ts";
import { FOUNDING_ENVIRONMENT } from "../../support/founding-environment.ts";

test("22: the variables of the founding document are the settings, without a complaint", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "deckle-founding-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const PULP_SETTINGS = join(folder, "settings.py");
  writeFileSync(PULP_SETTINGS, "SECRET_KEY = 'of the test'\n");
  const { values, warnings } = loadSettings({
    specs: knownSettings(),
    environment: { ...FOUNDING_ENVIRONMENT, PULP_SETTINGS },
    base: {},
  });
  assert.deepEqual(warnings, []);
  const expected = {
    API_ROOT: "/api/pulp/",
    CONTENT_PATH_PREFIX: "/api/pulp-content/",
    PYPI_PATH_PREFIX: "/api/pypi/",
    PYPI_API_HOSTNAME: "https://packages.example",
    DOMAIN_ENABLED: true,
    USE_X_FORWARDED_HOST: true,
    SECURE_PROXY_SSL_HEADER: ["HTTP_X_FORWARDED_PROTO", "https"],
    ALLOWED_CONTENT_CHECKSUMS: ["sha224", "sha256", "sha384", "sha512"],
    AUTHENTICATION_BACKENDS: [
      "django.contrib.auth.backends.ModelBackend",
      "pulpcore.backends.ObjectRolePermissionBackend",
      "django.contrib.auth.backends.RemoteUserBackend",
      "pulp_service.app.authentication.RHSamlAuthentication",
    ],
    PYTHON_GROUP_UPLOADS: true,
    TASK_PROTECTION_TIME: 20_160,
    UPLOAD_PROTECTION_TIME: 480,
    API_APP_TTL: 120,
    WORKER_TYPE: "redis",
    CLAMAV_PORT: 10_000,
    OTEL_ENABLED: true,
    TASK_DIAGNOSTICS: ["memory", "memray", "pyinstrument"],
  };
  const found = Object.fromEntries(Object.keys(expected).map((name) => [name, values[name]]));
  assert.deepEqual(found, expected);
  assert.equal((values.MIDDLEWARE as readonly string[]).length, 5);
  const store = (values.STORAGES as Readonly<Record<string, object>>).default;
  assert.deepEqual(store, {
    BACKEND: "pulp_service.app.storage.AIPCCStorageBackend",
    OPTIONS: { default_acl: null, signature_version: "s3v4", addressing_style: "path" },
  });
});
