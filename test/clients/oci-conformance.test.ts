import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { blackBox } from "./support/black-box.ts";
import { registryTool } from "./support/registry-tools.ts";

const box = blackBox();
const folder = await mkdtemp(join(tmpdir(), "deckle-conformance-"));
after(() => rm(folder, { recursive: true, force: true }));

/** Of two that exclude each other one runs; the others are for registries that nothing is pushed to. */
const ALTERNATIVES = [
  "Get tag name from environment",
  "Cross-mounting of nonexistent blob should yield session id",
  "Cross-mounting without from, and automatic content discovery disabled should return a 202",
  "Populate registry with test tags (no push)",
];

test("the conformance suite of version 1.0 passes all four workflows", async () => {
  const { apiUrl, username, password } = box.server;

  const result = await registryTool("oci-conformance-1.0", [], {
    cwd: folder,
    env: {
      OCI_ROOT_URL: apiUrl,
      OCI_NAMESPACE: "conformance/old/one",
      OCI_CROSSMOUNT_NAMESPACE: "conformance/old/two",
      OCI_USERNAME: username,
      OCI_PASSWORD: password,
      OCI_TEST_PULL: "1",
      OCI_TEST_PUSH: "1",
      OCI_TEST_CONTENT_DISCOVERY: "1",
      OCI_TEST_CONTENT_MANAGEMENT: "1",
      OCI_DELETE_MANIFEST_BEFORE_BLOBS: "1",
      OCI_AUTOMATIC_CROSSMOUNT: "1",
    },
  });

  assert.equal(result.status, 0, result.output.slice(-5000));
  const report = await readFile(join(folder, "junit.xml"), "utf8");
  const cases = report.matchAll(
    /<testcase name="([^"]*)"[^>]*>(?:(?!<\/testcase>)[\s\S])*?<skipped/g,
  );
  const skipped = [...cases].map(([, name = ""]) => name);
  const unexpected = skipped.filter((name) => !ALTERNATIVES.some((end) => name.endsWith(end)));
  assert.deepEqual(unexpected, []);
  assert.equal(skipped.length, ALTERNATIVES.length);
});

test("the current suite passes its development profile, and skips nothing", async () => {
  const { apiUrl, username, password } = box.server;

  const result = await registryTool("oci-conformance-1.1", [], {
    cwd: folder,
    env: {
      OCI_REGISTRY: new URL(apiUrl).host,
      OCI_TLS: "disabled",
      OCI_REPO1: "conformance/new/one",
      OCI_REPO2: "conformance/new/two",
      OCI_USERNAME: username,
      OCI_PASSWORD: password,
      OCI_VERSION: "dev",
      OCI_RESULTS_DIR: join(folder, "results"),
    },
  });

  const counts = Object.fromEntries(
    [...result.output.matchAll(/^ {2}(\w+)\.+: +(\d+)$/gm)].map(([, name, n]) => [name, Number(n)]),
  );
  assert.equal(result.status, 0, result.output.slice(-5000));
  const { Pass: passed, Total: total, ...rest } = counts;
  assert.ok((total ?? 0) > 900, `${total} checks`);
  assert.equal(passed, total);
  assert.deepEqual(rest, { Disabled: 0, Skip: 0, FAIL: 0, Error: 0 });
  const rows = [...result.output.matchAll(/^ {2}([\w -]+?)\.+: +([A-Z]\w*)$/gm)];
  const others = rows.filter(([, , outcome]) => outcome !== "Pass").map(([, name]) => name);
  // A manifest whose layers are missing is one that nobody can use: we refuse it.
  assert.deepEqual(others, ["Sparse Manifests"]);
  assert.ok(rows.length > 40, `${rows.length} rows`);
});
