import assert from "node:assert/strict";
import { test } from "node:test";
import { conditionsOf, isSameSync, type SyncDetails } from "./sync-details.ts";

const before: SyncDetails = {
  remote_pk: "r",
  url: "http://h/PULP_MANIFEST",
  download_policy: "on_demand",
  mirror: false,
  most_recent_version: 3,
  manifest_checksum: "c",
  etag: '"e"',
  last_modified: null,
};

test("a sync is the same while nothing that matters differs", () => {
  assert.ok(isSameSync(before, before));
  assert.ok(isSameSync({ ...before, mirror: true }, before));
  assert.ok(isSameSync({ ...before, download_policy: "immediate" }, before));
  assert.ok(isSameSync({ ...before, download_policy: "streamed" }, before));
});

test("another remote, address, version, policy to immediate or a new mirror is another sync", () => {
  for (const now of [
    { ...before, remote_pk: "s" },
    { ...before, url: "http://h/other" },
    { ...before, most_recent_version: 4 },
    { ...before, download_policy: "immediate" as const },
    { ...before, mirror: true },
  ])
    assert.ok(!isSameSync(before, now));
  assert.ok(!isSameSync({}, before));
});

test("conditions are what the upstream gave", () => {
  assert.deepEqual(conditionsOf(before), { "if-none-match": '"e"' });
  assert.deepEqual(conditionsOf({}), {});
});
