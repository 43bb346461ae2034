import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startOtlpReceiver } from "../support/otlp-receiver.ts";
import { freePort } from "../support/server.ts";
import { type Program, runProgram, startProgram } from "./program.ts";
import { roleEnvironment } from "./role-environment.ts";

const CONNECTIONS = 64;

/** Asks again and again over connections that are kept; what fails is a sentence. */
class Load {
  answered = 0;
  readonly failures: string[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  readonly #clients: readonly Promise<void>[];
  #isOver = false;

  constructor(url: string, status: number) {
    this.#clients = Array.from({ length: CONNECTIONS }, async () => {
      while (!this.#isOver) await this.#ask(url, status);
    });
  }

  #ask(url: string, expected: number): Promise<void> {
    return new Promise((resolve) => {
      const fail = (why: string) => {
        this.failures.push(why);
        resolve();
      };
      const asked = request(url, { agent: this.#agent, method: "HEAD" }, (answer) => {
        if (answer.statusCode !== expected) fail(`status ${answer.statusCode}`);
        this.answered += 1;
        answer.resume().once("close", resolve);
      });
      asked.once("error", (error) => fail(error.message)).end();
    });
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
  }
}

const replaced = ({ output }: Program): number =>
  output.err.match(/is replaced: it /g)?.length ?? 0;

async function untilReplaced(program: Program, times: number): Promise<void> {
  const limit = Date.now() + 60_000;
  while (replaced(program) < times) {
    assert.ok(Date.now() < limit, program.output.err);
    await sleep(50);
  }
}

test("processes are replaced while 64 connections ask, and no request fails", async (t) => {
  const receiver = await startOtlpReceiver(t);
  const environment = {
    ...(await roleEnvironment(t)),
    PULP_API_GUNICORN_MAX_REQUESTS: "20",
    PULP_API_GUNICORN_MAX_REQUESTS_JITTER: "5",
    PULP_OTEL_ENABLED: "true",
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_METRIC_EXPORT_INTERVAL: "2000",
  };
  const [apiPort, contentPort, pagePort] = [await freePort(), await freePort(), await freePort()];
  assert.equal((await runProgram(t, ["manager", "migrate"], { environment })).code, 0);
  const apiEnvironment = { ...environment, PULP_PROMETHEUS_PORT: String(pagePort) };
  const api = startProgram(t, ["api", "-b", `127.0.0.1:${apiPort}`, "-w", "2"], apiEnvironment);
  const content = startProgram(
    t,
    ["content", "-b", `127.0.0.1:${contentPort}`, "--max-requests", "1000000"],
    { ...environment, PULP_SERVER_RECYCLE_MB: "1" },
  );
  await Promise.all([api.says(/(Serving[\s\S]*){2}/), content.says(/Serving/)]);
  const loads = [
    new Load(`http://127.0.0.1:${apiPort}/pulp/api/v3/livez/`, 200),
    new Load(`http://127.0.0.1:${contentPort}/pulp/content/`, 200),
  ] as const;

  await Promise.all([untilReplaced(api, 3), untilReplaced(content, 1)]);
  await Promise.all(loads.map((load) => load.stop()));

  assert.deepEqual([...loads[0].failures, ...loads[1].failures], []);
  assert.match(content.output.err, /is replaced: it uses \d+ MiB\./);
  assert.match(api.output.err, /is replaced: it has answered 2[0-5] requests\./);

  await t.test("the page adds up what processes counted that have gone", async () => {
    const page = await (await fetch(`http://127.0.0.1:${pagePort}/metrics`)).text();
    const pattern = /^pulp_api_request_duration_milliseconds_count\{(.*)\} (\d+)$/gm;
    const counts = [...page.matchAll(pattern)];
    assert.deepEqual(
      counts.map(([, labels]) => labels),
      ['http_method="HEAD",http_status_code="2xx",http_target="pulp/api/v3/livez/"'],
    );
    // Processes that linger have not told yet.
    assert.ok(Number(counts[0]?.[2]) > loads[0].answered / 2, `${counts} of ${loads[0].answered}`);
    assert.ok(Number(counts[0]?.[2]) <= loads[0].answered);
    assert.equal((await fetch(`http://127.0.0.1:${pagePort}/`)).status, 404);
  });

  await t.test("telemetry comes from every process", async () => {
    const api = await receiver.newest(({ name }) => name === "api.request_duration");
    assert.equal(api.service, "pulp-api");
    assert.deepEqual(
      { ...api.attributes, "worker.name": "" },
      {
        ...{ "http.method": "HEAD", "http.status_code": "2xx", "worker.name": "" },
        "http.target": "pulp/api/v3/livez/",
      },
    );
    const one = await receiver.newest(({ name }) => name === "content.request_duration");
    assert.deepEqual(
      [one.service, one.attributes["http.route"]],
      ["pulp-content", "list_distributions"],
    );
  });

  for (const { child } of [api, content]) child.kill("SIGTERM");
  assert.deepEqual(await Promise.all([api.ended, content.ended]), [0, 0]);
});
