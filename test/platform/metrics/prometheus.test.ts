import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics, statusClass } from "#platform/metrics/prometheus.ts";

test("renders what was counted, observed and set", async () => {
  const metrics = createMetrics();

  metrics.count("deckle_cache_requests_total", { cache: "response", result: "hit" }, 3);
  metrics.observe("deckle_task_duration_seconds", 0.02, { name: "x", state: "completed" });
  metrics.addCollector((m) => m.gauge("deckle_database_waiting", 4));

  const text = await metrics.render();
  assert.match(text, /deckle_cache_requests_total\{cache="response",result="hit"\} 3/);
  assert.match(text, /deckle_task_duration_seconds_bucket\{le="0.05",name="x".*\} 1/);
  assert.match(text, /deckle_database_waiting 4/);
  assert.match(text, /deckle_event_loop_delay_seconds\{quantile="0.99"\} \d/);
  assert.match(text, /process_cpu_seconds_total/);
});

test("two registries share nothing", async () => {
  createMetrics().count("deckle_download_bytes_total", {}, 5);

  assert.match(await createMetrics().render(), /deckle_download_bytes_total 0/);
});

test("an unknown name or another kind is a programming error", () => {
  const metrics = createMetrics();

  assert.throws(() => metrics.count("nope"), /no counter called "nope"/);
  assert.throws(() => metrics.gauge("deckle_download_bytes_total", 1), /no gauge called/);
  assert.throws(() => metrics.count("deckle_errors_total", { colour: "red" }), /label/i);
});

test("status classes", () => assert.equal(statusClass(404), "4xx"));
