import assert from "node:assert/strict";
import { test } from "node:test";
import { blackBox } from "./support/black-box.ts";

const box = blackBox({
  env: { PULP_TRUSTED_PROXIES: '["127.0.0.1"]', PULP_API_ROOT_REWRITE_HEADER: "X-API-Root" },
});

test("behind a trusted proxy links carry its scheme and host", async () => {
  const { api } = box;
  for (const name of ["a", "b"]) await api.post("repositories/file/file/", { name });
  const response = await api.request("GET", "repositories/file/file/?limit=1", {
    headers: { "x-forwarded-proto": "https", "x-forwarded-host": "pulp.example" },
  });
  const { next } = (await response.json()) as { next: string };
  assert.match(next, /^https:\/\/pulp\.example\/pulp\/api\/v3\/repositories\/file\/file\/\?/);
});

test("a rewritten API root shows in every href", async () => {
  const response = await box.api.request("GET", "/mirror/api/v3/repositories/file/file/", {
    headers: { "x-api-root": "/mirror/" },
  });
  const { results } = (await response.json()) as { results: readonly { pulp_href: string }[] };
  assert.equal(results.length, 2);
  assert.ok(results.every(({ pulp_href }) => pulp_href.startsWith("/mirror/api/v3/")));
});
