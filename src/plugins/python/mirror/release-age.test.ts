import assert from "node:assert/strict";
import { test } from "node:test";
import { ageRefusal } from "./release-age.ts";

const nowMs = Date.parse("2026-01-03T00:00:00Z");
const refusal = (time: string | null, hours = 24) => ageRefusal(time, { hours, nowMs });

test("a file is taken once upstream has it for so many hours", () => {
  assert.equal(refusal("2026-01-02T00:00:00Z"), undefined);
  assert.match(refusal("2026-01-02T00:00:00.001Z") ?? "", /from 2026-01-03T00:00:00.001Z on/);
  assert.equal(refusal("2026-01-02T00:00:00+01:00"), undefined);
  assert.match(refusal("2027-01-01T00:00:00Z") ?? "", /less than 24 hours ago/);
});

test("without a time that can be read a file is not taken, unless there is no rule", () => {
  for (const time of [null, "", "soon"]) {
    assert.match(refusal(time) ?? "", /does not tell when/);
    assert.equal(refusal(time, 0), undefined);
  }
});

test("times beyond all calendars are no reason to fail", () => {
  const late = "+275760-09-13T00:00:00Z";
  assert.equal(refusal(late, 2_147_483_647)?.includes("taken from"), false);
});
