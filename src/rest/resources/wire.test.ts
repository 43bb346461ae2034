import assert from "node:assert/strict";
import { test } from "node:test";
import { durationText } from "./task-schedules.ts";
import { wireTime } from "./wire.ts";

test("times inside JSON get the wire's form", () => {
  assert.equal(wireTime("2026-08-12T09:30:00.1234+00:00"), "2026-08-12T09:30:00.123400Z");
  assert.equal(wireTime("2026-08-12T09:30:00.000001+00:00"), "2026-08-12T09:30:00.000001Z");
  assert.equal(wireTime("2026-08-12T09:30:00+00:00"), "2026-08-12T09:30:00Z");
  assert.equal(wireTime(null), null);
});

test("durations count days, hours, minutes and seconds", () => {
  assert.equal(durationText(1440 * 60), "1 00:00:00");
  assert.equal(durationText(90 * 60 + 5), "01:30:05");
  assert.equal(durationText(0), "00:00:00");
  assert.equal(durationText(200_000.25), "2 07:33:20.250000");
});
