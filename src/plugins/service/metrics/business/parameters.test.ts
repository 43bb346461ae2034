import assert from "node:assert/strict";
import { test } from "node:test";
import { ValidationError } from "#base/errors.ts";
import { parametersOf } from "./parameters.ts";

const nowMs = Date.parse("2026-11-30T06:00:00Z");
const read = (query: string, accept?: string) =>
  parametersOf(new URLSearchParams(query), { accept, nowMs });
const day = (text: string) => Date.parse(`${text}T00:00:00Z`);

test("without parameters a report is about the last thirty days, by day", () => {
  assert.deepEqual(read(""), {
    ...{ fromMs: nowMs - 30 * 86_400_000, toMs: nowMs, interval: "day", distribution: null },
    ...{ packageType: null, limit: 20, isOfAllDomains: false, isCsv: false },
  });
  assert.deepEqual(read("from=&to=&limit=&interval="), read(""));
});

test("times are days, times of a zone, or of UTC", () => {
  const { fromMs, toMs } = read("from=2026-01-02&to=2026-01-03T00:00:00%2B02:00");
  assert.deepEqual([fromMs, toMs], [day("2026-01-02"), day("2026-01-03") - 7_200_000]);
  assert.equal(read("from=2026-01-02T00:00:00&to=2026-01-03").fromMs, day("2026-01-02"));
  assert.equal(read("to=2026-01-03 00:00:00 02:00").toMs, day("2026-01-03") - 7_200_000);
  assert.equal(read("to=2026-03-02").fromMs, day("2026-01-31"));
  assert.equal(read("from=2025-10-26&to=2026-11-30").fromMs, day("2025-10-26"), "400 days");
});

test("what is wrong is told by parameter", () => {
  const cases = {
    "from=2025-10-25&to=2026-11-30": "to",
    "from=2026-11-30&to=2026-11-30": "to",
    "from=2027-01-01": "to",
    "from=yesterday": "from",
    "to=2026-02-30": "to",
    "to=2026-13-01": "to",
    "to=2026-01-01T25:00:00Z": "to",
    "to=0000-00-00": "to",
    "interval=year": "interval",
    "package_type=deb": "package_type",
    "limit=0": "limit",
    "limit=1001": "limit",
    "limit=-1": "limit",
    "limit=1e3": "limit",
    "format=xml": "format",
    "all_domains=maybe": "all_domains",
    "distribution=%00": "distribution",
    [`distribution=${"a".repeat(501)}`]: "distribution",
  };
  for (const [query, field] of Object.entries(cases)) {
    assert.throws(
      () => read(query),
      (error) => error instanceof ValidationError && Object.keys(error.detail).join() === field,
      query,
    );
  }
});

test("CSV is asked for by the query, or by a header that prefers it", () => {
  const csv = (accept: string) => read("", accept).isCsv;
  assert.deepEqual(
    ["text/csv", "text/csv, application/json", "application/json;q=0.5, text/csv"].map(csv),
    [true, true, true],
  );
  assert.deepEqual(
    [
      "",
      "*/*",
      "application/json, text/csv",
      "text/csv;q=0",
      "text/csv;q=0.1, application/json",
    ].map(csv),
    [false, false, false, false, false],
  );
  assert.equal(read("format=json", "text/csv").isCsv, false);
  assert.equal(read("format=csv", "application/json").isCsv, true);
});
