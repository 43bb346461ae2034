import assert from "node:assert/strict";
import { test } from "node:test";
import { maskedValues } from "#platform/config/mask.ts";
import { allSettings } from "#platform/config/settings.ts";

test("secrets are replaced wherever they stand", () => {
  const masked = maskedValues(allSettings, {
    SECRET_KEY: "canary",
    REDIS_URL: "redis://:canary@host",
    API_ROOT: "/pulp/",
    WORKER_TTL: 30,
    DATABASES: {
      default: { NAME: "pulp", PASSWORD: "canary", OPTIONS: { sslpassword: "canary" } },
    },
    STORAGES: {
      default: { OPTIONS: { secret_key: "canary", location: "/x" } },
      sftp: { OPTIONS: { params: { password: "canary", passphrase: "canary", port: 22 } } },
      google: { OPTIONS: { credentials: { private_key: "canary" } } },
    },
    ALLOWED_HOSTS: ["https://u:canary@h/"],
    KAFKA_SASL_PASSWORD: null,
  });

  assert.equal(JSON.stringify(masked).includes("canary"), false);
  assert.equal(masked.API_ROOT, "/pulp/");
  assert.equal(masked.WORKER_TTL, 30);
  assert.equal(masked.KAFKA_SASL_PASSWORD, null);
  assert.deepEqual(masked.ALLOWED_HOSTS, ["https://u:********@h/"]);
});
