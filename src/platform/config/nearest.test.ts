import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "./nearest.ts";

test("finds what was meant, and nothing when nothing is near", () => {
  const known = ["API_ROOT", "API_APP_TTL", "WORKER_TTL"];

  assert.equal(nearestName("APIROOT", known), "API_ROOT");
  assert.equal(nearestName("WORKER_TLT", known), "WORKER_TTL");
  assert.equal(nearestName("WEB_ROUTE", known), undefined);
  assert.equal(nearestName("API_ROOT", known), "API_ROOT");
});
