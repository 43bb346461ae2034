import assert from "node:assert/strict";
import { test } from "node:test";
import { apiRow } from "#operator/logs/api-rows.ts";
import { contentKinds, contentRow } from "#operator/logs/content-rows.ts";
import { momentOf } from "#operator/logs/times.ts";

const facts = { atMs: 1000, method: "GET", path: "", status: 200 };
const COMMON = new Set(["timestamp", "status_code", "message"]);

/** What a path says, without what every row has. */
const own = (row: object | undefined) =>
  row && Object.fromEntries(Object.entries(row).filter(([name]) => !COMMON.has(name)));

const api = (path: string) => own(apiRow({ ...facts, path }, "m", "/api/pypi/"));
const content = (kind: string, path: string) =>
  own(contentRow({ ...facts, path: `/c/${path}` }, contentKinds[kind] ?? assert.fail(kind), "/c/"));

test("paths of indexes name domain, distribution and package", () => {
  assert.deepEqual(api("/api/pypi/team/idx/simple/attrs/"), {
    ...{ domain: "team", distribution: "idx", package: "attrs" },
  });
  assert.deepEqual(api("/api/pypi/team/a/b/pypi/attrs/json/"), {
    ...{ domain: "team", distribution: "a/b", package: "attrs" },
  });
  assert.deepEqual(api("/api/pypi/team/idx/simple/"), { domain: "team", distribution: "idx" });
  assert.deepEqual(api("/api/pypi/%74eam/%/simple/x"), {
    ...{ domain: "team", distribution: "%", package: "x" },
  });
  assert.deepEqual(api("/api/pypi/"), {});
});

test("wheels and their metadata", () => {
  assert.deepEqual(content("python", "d/idx/a_b-1.0-2b-py3-none-any.whl.metadata"), {
    ...{ domain: "d", distribution: "idx", artifact_path: "a_b-1.0-2b-py3-none-any.whl.metadata" },
    ...{ package_name: "a_b", package_version: "1.0", build_tag: "2b" },
    ...{ pyver: "py3", abi: "none", architecture: "any" },
  });
  assert.equal(content("python", "d/idx/a-1.0.tar.gz"), undefined);
  assert.equal(content("python", "d/idx/a-1.0-py3.whl"), undefined);
  assert.equal(content("python", "d"), undefined);
});

test("packages of rpm are read from the right, the layout is no part of the distribution", () => {
  assert.deepEqual(content("rpm", "d/el/9/Packages/k/kernel-rt-core-5.14.0-1.el9.x86_64.rpm"), {
    ...{ domain: "d", distribution: "el/9", package_name: "kernel-rt-core" },
    ...{ package_version: "5.14.0", release: "1.el9", architecture: "x86_64" },
    artifact_path: "Packages/k/kernel-rt-core-5.14.0-1.el9.x86_64.rpm",
  });
  const { epoch, distribution } = content("rpm", "d/el/a-b-2:1.0-3.noarch.rpm") as {
    epoch: number;
    distribution: string;
  };
  assert.deepEqual([epoch, distribution], [2, "el"]);
  assert.equal(content("rpm", "d/el/repodata/repomd.xml"), undefined);
});

test("files of maven, snapshots among them", () => {
  assert.deepEqual(content("maven", "d/rel/org/example/lib/1.0/lib-1.0-sources.jar"), {
    ...{ domain: "d", distribution: "rel", group_id: "org.example", package_name: "lib" },
    ...{ package_version: "1.0", classifier: "sources", packaging: "jar" },
    artifact_path: "org/example/lib/1.0/lib-1.0-sources.jar",
  });
  const snapshot = "d/rel/org/lib/1.0-SNAPSHOT/lib-1.0-20260812.093000-7.pom";
  assert.deepEqual(content("maven", snapshot)?.package_version, "1.0-SNAPSHOT");
  assert.equal(content("maven", snapshot)?.classifier, undefined);
  assert.equal(content("maven", "d/rel/org/lib/1.0/other-1.0.jar"), undefined);
  assert.equal(content("maven", "d/rel/org/lib/1.0/lib-1.0.jar.sha1"), undefined);
});

test("cache, size and time of a download", () => {
  const row = (cache: string, artifactSize: string) =>
    contentRow(
      { ...facts, path: "/c/d/i/a-1-py3-none-any.whl", cache, artifactSize, durationMs: 7 },
      contentKinds.python ?? assert.fail(),
      "/c/",
    );
  assert.deepEqual(
    [row("HIT", "5")?.cache_hit, row("MISS", "5")?.cache_hit, row("BYPASS", "x")?.cache_hit],
    [true, false, undefined],
  );
  assert.deepEqual(
    [row("HIT", "5")?.artifact_size, row("HIT", "x")?.artifact_size],
    [5, undefined],
  );
  assert.equal(row("HIT", "5")?.request_time_ms, 7);
});

test("moments", () => {
  const now = Date.parse("2026-08-12T09:30:00Z");
  const at = (text: string) => new Date(momentOf("start-time", text, now)).toISOString();
  assert.equal(at("now"), "2026-08-12T09:30:00.000Z");
  assert.equal(at("1 hour ago"), "2026-08-12T08:30:00.000Z");
  assert.equal(at("2 days ago"), "2026-08-10T09:30:00.000Z");
  assert.equal(at("2026-08-12T09:30:00"), "2026-08-12T09:30:00.000Z");
  assert.equal(at("2026-08-12T09:30:00+02:00"), "2026-08-12T07:30:00.000Z");
  assert.equal(at("2026-08-12"), "2026-08-12T00:00:00.000Z");
  for (const wrong of ["", "yesterday", "5 fortnights ago", "2026-13-01", "12"]) {
    assert.throws(() => at(wrong), /--start-time must be a time like/);
  }
});
