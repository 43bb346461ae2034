import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compare } from "../../tools/openapi-comparison.ts";
import { domainFindings } from "../../tools/openapi-domains.ts";
import { ApiDocument } from "../../tools/openapi-facts.ts";
import { createTestApi } from "../support/rest-api.ts";

const baseline = JSON.parse(
  readFileSync(new URL("../../openapi/baseline/core.json", import.meta.url), "utf8"),
);

const TAGS = new Set([
  ...["Docs: Api.Json", "Docs: Api.Yaml"],
  ...["Artifacts", "Domains", "Livez", "Login", "Orphans", "Orphans: Cleanup", "Repair"],
  ...["Repositories: Reclaim_Space", "Status", "Task-Groups", "Task-Schedules", "Tasks"],
  ...["Uploads", "Users", "Workers"],
]);

/** `kind where what`, and why the difference is wanted. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "extra MinimalTaskResponse: field pulp_api_version": "Sent since a later release.",
  "extra TaskResponse: field pulp_api_version": "Sent since a later release.",
  "extra TaskResponse: field created_resource_prns": "Sent since a later release.",
};

interface Fact {
  readonly tags: readonly string[];
}

/** The operations that are done, and the schemas that they reach. */
function doneParts() {
  const operations = baseline.operations.filter(({ tags }: Fact) =>
    tags.some((tag) => TAGS.has(tag)),
  );
  const text = (value: unknown) => JSON.stringify(value);
  const reached = new Set<string>();
  const reach = (value: unknown): void => {
    for (const schema of baseline.schemas) {
      if (reached.has(schema.name) || !text(value).includes(`"${schema.name}"`)) continue;
      reached.add(schema.name);
      reach(schema.fields);
    }
  };
  reach(operations);
  const schemas = baseline.schemas.filter(({ name }: { name: string }) => reached.has(name));
  return { component: "core", operations, schemas };
}

for (const variant of ["", "pk_path=1", "bindings=1", "component=core,file"]) {
  test(`the description (${variant || "default"}) says what the baseline says`, async (t) => {
    const api = await createTestApi(t);
    const { status, body } = await api.get(`docs/api.json?${variant}`, { user: null });
    assert.equal(status, 200);
    const done = doneParts();

    const report = compare(done, {
      candidate: new ApiDocument(body),
      schemas: new Map(baseline.schemas.map((schema: { name: string }) => [schema.name, schema])),
      useShortIds: variant.startsWith("bindings"),
    });

    assert.ok(done.operations.length >= 50);
    const found = report.findings.map(({ kind, where, what }) => `${kind} ${where}: ${what}`);
    const unexpected = found.filter((line) => !Object.hasOwn(EXCEPTIONS, line));
    // The valid form tells the truth about values where the baseline does not.
    if (variant.startsWith("pk_path")) {
      assert.deepEqual(unexpected.filter(isNoValue), []);
    } else {
      assert.deepEqual(unexpected, []);
      assert.deepEqual(found.toSorted(), Object.keys(EXCEPTIONS).toSorted(), "no stale exception");
    }
  });
}

test("with domains on, paths and parameters move, and nothing else changes", async (t) => {
  const api = await createTestApi(t, { settings: { DOMAIN_ENABLED: true } });
  const { body } = await api.get("docs/api.json", { user: null });
  const done = doneParts();
  const rule = JSON.parse(
    readFileSync(new URL("../../openapi/baseline/domains.json", import.meta.url), "utf8"),
  );

  assert.deepEqual(domainFindings([done], rule, body), []);
  const schemas = new Map(
    baseline.schemas.map((schema: { name: string }) => [schema.name, schema]),
  );
  const candidate = new ApiDocument(body);
  const { findings } = compare(done, { candidate, schemas, useShortIds: false } as never);
  assert.deepEqual(
    findings.filter(({ kind }) => kind !== "extra"),
    [],
  );
  const off = { ...body, info: {}, paths: JSON.parse(JSON.stringify(body.paths)) };
  delete off.paths["/pulp/{pulp_domain}/api/v3/tasks/"].get.parameters;
  delete off.paths["/pulp/api/v3/status/"];
  assert.deepEqual(domainFindings([done], rule, off), [
    "x-pulp-domain-enabled is not true",
    "GET /pulp/api/v3/status/ is missing",
    "GET /pulp/{pulp_domain}/api/v3/tasks/ has pulp_domain in only one of path and parameters",
  ]);
});

/** Everything but how a value that both know is described. */
const isNoValue = (line: string): boolean => !/^different .* (field|parameter) /.test(line);

test("operation ids are unique, and every reference leads somewhere", async (t) => {
  const api = await createTestApi(t);
  for (const variant of ["", "?pk_path=1"]) {
    const { body, text } = await api.get(`docs/api.json${variant}`);
    const operations = Object.values(body.paths).flatMap((path) => Object.values(path as object));
    const ids = operations.map(({ operationId }) => operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const [, name = ""] of text.matchAll(/#\/components\/schemas\/([^"]+)"/g)) {
      assert.ok(Object.hasOwn(body.components.schemas, name), name);
    }
  }
});

test("the description can be asked for by component, in YAML, and again for nothing", async (t) => {
  const api = await createTestApi(t);

  const file = (await api.get("docs/api.json?component=file")).body;
  assert.deepEqual(Object.keys(file.info["x-pulp-app-versions"]), ["core", "file"]);
  assert.equal(
    Object.keys(file.paths).some((path) => path.includes("tasks")),
    false,
  );
  assert.deepEqual((await api.get("docs/api.json?component=nonsense")).body, {
    detail: "Invalid component specified.",
  });
  assert.deepEqual((await api.get("docs/api.json?plugin=file")).body, {
    detail: "'plugin' has been removed. Use 'component' instead.",
  });

  const first = await api.get("docs/api.json");
  assert.equal(first.headers["content-type"], "application/vnd.oai.openapi+json");
  assert.match(String(first.headers["content-disposition"]), /Pulp 3 API\.json/);
  const plain = await api.get("docs/api.json", { headers: { accept: "application/json" } });
  assert.equal(plain.headers["content-type"], "application/json");
  const again = await api.get("docs/api.json", {
    headers: { "if-none-match": String(first.headers.etag) },
  });
  assert.equal(again.status, 304);
  const yaml = await api.get("docs/api.yaml");
  assert.match(yaml.text, /^openapi: 3\.0\.1/);
  const page = await api.get("docs/");
  assert.match(String(page.headers["content-type"]), /^text\/html/);
});
