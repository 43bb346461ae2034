import assert from "node:assert/strict";
import { test } from "node:test";
import { isUuid, uuid7 } from "#base/uuid7.ts";
import { newUploadId, wasIssued } from "./upload-id.ts";

const HOUR_MS = 3_600_000;
const now = Date.now();
const owner = { domain: 1, repository: uuid7(), owner: 7 };
const valid = { nowMs: now, forMs: HOUR_MS };

test("an id says for whom and where it was made, and is a UUID", () => {
  const id = newUploadId(owner, now);

  assert.ok(isUuid(id));
  assert.equal(wasIssued({ id, ...owner }, valid), true);
  assert.equal(wasIssued({ id, ...owner, owner: null }, valid), false);
  assert.equal(wasIssued({ id, ...owner, domain: 2 }, valid), false);
  assert.equal(wasIssued({ id, ...owner, repository: uuid7() }, valid), false);
});

test("an id that nobody made is none, and neither is one with another time", () => {
  const id = newUploadId(owner, now);
  const made = uuid7(now);
  const later = `${made.slice(0, 23)}${id.slice(23)}`;

  assert.equal(wasIssued({ id: made, ...owner }, valid), false);
  assert.equal(wasIssued({ id: later, ...owner }, valid), false);
});

test("an id is good for its time, and from the moment that another clock shows", () => {
  const id = newUploadId(owner, now);
  const at = (nowMs: number) => wasIssued({ id, ...owner }, { nowMs, forMs: HOUR_MS });

  assert.equal(at(now + HOUR_MS - 1000), true);
  assert.equal(at(now + HOUR_MS + 1000), false);
  assert.equal(at(now - 30_000), true);
  assert.equal(at(now - 120_000), false);
});

test("ids of one moment differ", () => {
  const ids = Array.from({ length: 1000 }, () => newUploadId(owner, now));

  assert.equal(new Set(ids).size, 1000);
});
