import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { generateFernetKey } from "#platform/crypto/fernet.ts";
import { type Program, runProgram, startProgram } from "../app/program.ts";
import { allObjects, deployFolder, type Manifest } from "../deploy/manifests.ts";
import { instrumentsIn, questions } from "../deploy/promql.ts";
import { createApi } from "../support/api.ts";
import { freePort } from "../support/server.ts";
import { clowderFile, startServices } from "./support/clowder.ts";
import { deploymentProgram } from "./support/deployment-tools.ts";

type Environment = Readonly<Record<string, string>>;

const deployments: readonly Manifest[] = allObjects().find(({ kind }) => kind === "ClowdApp")?.spec
  .deployments;

const deploymentOf = (name: string): Manifest => {
  const found = deployments.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
};

/** The variables of the manifest, with what the test has elsewhere than a cluster. */
async function environmentOf(folder: string, clowder: string): Promise<Environment> {
  const block = deploymentOf("api").podSpec.env as { name: string; value?: string }[];
  await writeFile(join(folder, "key"), generateFernetKey());
  await writeFile(join(folder, "settings.py"), 'SECRET_KEY = "of the test"\n');
  return {
    ...Object.fromEntries(block.flatMap(({ name, value = "" }) => [[name, value]])),
    ACG_CONFIG: clowder,
    SENTRY_DSN: "",
    PULP_SETTINGS: join(folder, "settings.py"),
    PULP_DB_ENCRYPTION_KEY: join(folder, "key"),
    PULP_DEPLOY_ROOT: folder,
    PULP_CLAMAV_HOST: "",
    // The port is that of the service of the cluster.
    PULP_REDIS_PORT: String(JSON.parse(await readFile(clowder, "utf8")).inMemoryDb.port),
    OTEL_METRIC_EXPORT_INTERVAL: "500",
    OTEL_METRIC_EXPORT_TIMEOUT: "400",
    // The schedules of the hosted service come every hour; here they are waited for.
    PULP_OTEL_METRICS_DISPATCH_INTERVAL_MINUTES: "0.05",
  };
}

/** Starts the command line of the manifest, on a port of the test. */
function startRole(t: TestContext, name: string, environment: Environment, port = 0): Program {
  const { command, args = [] } = deploymentOf(name).podSpec as {
    command: string[];
    args: string[];
  };
  const words = [...command.slice(1), ...args].map((word) =>
    word
      .replace(/^0\.0\.0\.0:8000$/, `127.0.0.1:${port}`)
      .replace(/\$\((\w+)\)/g, (_whole, variable: string) => environment[variable] ?? ""),
  );
  const [program = ""] = command;
  return startProgram(t, [program.replace("pulpcore-", ""), ...words], environment);
}

/** The collector beside a pod, with its own file on ports of the test. */
async function startCollector(t: TestContext, folder: string) {
  const [otlp, page, health] = [await freePort(), await freePort(), await freePort()];
  const text = (await readFile(join(deployFolder, "otel/collector.yaml"), "utf8"))
    .replace("0.0.0.0:10000", `127.0.0.1:${otlp}`)
    .replace("0.0.0.0:9000", `127.0.0.1:${page}`)
    .replace("0.0.0.0:13133", `127.0.0.1:${health}`)
    .replace(/timeout: \d+s/g, "timeout: 200ms");
  const file = join(folder, "collector.yaml");
  await writeFile(file, text);
  const child = spawn(deploymentProgram("collector"), ["--config", file], { stdio: "ignore" });
  t.after(async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  await until(`http://127.0.0.1:${health}/`, async (url) => (await fetch(url)).ok);
  return { endpoint: `http://127.0.0.1:${otlp}/`, url: `http://127.0.0.1:${page}/metrics` };
}

async function until(url: string, isTrue: (url: string) => Promise<boolean>): Promise<void> {
  const limit = Date.now() + 150_000;
  while (!(await isTrue(url).catch(() => false))) {
    assert.ok(Date.now() < limit, `${url} does not answer as it should`);
    await sleep(200);
  }
}

const pageOf = async (url: string): Promise<string> => (await fetch(url)).text();

/** Names under which the series of a page are asked for. */
function seriesOf(page: string): ReadonlySet<string> {
  return new Set(
    [...page.matchAll(/^# TYPE (\S+) (\w+)$/gm)].flatMap(([, name = "", type]) =>
      type === "histogram" ? ["bucket", "sum", "count"].map((end) => `${name}_${end}`) : [name],
    ),
  );
}

/** The sum of a series whose labels match. */
const total = (page: string, name: string, labels: RegExp): number =>
  page
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) && labels.test(line))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);

const probePath = (name: string, probe: "readinessProbe" | "livenessProbe"): string =>
  deploymentOf(name).podSpec[probe].httpGet.path;

const DURATIONS = "pulp_api_request_duration_milliseconds_count";

const PASSWORD = "a password of the test";

/** Every role of ours, with a collector, over services that Clowder would run. */
async function startService(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "deckle-deployment-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { services } = await startServices(t, folder);
  const { file } = await clowderFile(folder, services);
  const collector = await startCollector(t, folder);
  const ports = { api: await freePort(), content: await freePort() };
  const pages = { api: await freePort(), content: await freePort(), worker: await freePort() };
  const common = {
    ...(await environmentOf(folder, file)),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
  };
  const showing = (page: number) => ({ ...common, PULP_PROMETHEUS_PORT: String(page) });
  const manage = async (words: readonly [string, ...string[]], more: Environment = {}) => {
    const { code, err } = await runProgram(t, ["manager", ...words], {
      environment: { ...common, ...more },
    });
    assert.equal(code, 0, err);
  };
  await manage(["migrate", "--noinput"]);
  await manage(["reset-admin-password"], { PULP_ADMIN_PASSWORD: PASSWORD });
  return {
    collector,
    roles: {
      api: startRole(t, "api", showing(pages.api), ports.api),
      content: startRole(t, "content", showing(pages.content), ports.content),
      worker: startRole(t, "worker", showing(pages.worker)),
      auxiliary: startRole(t, "worker-auxiliary", common),
    },
    apiUrl: `http://127.0.0.1:${ports.api}`,
    contentUrl: `http://127.0.0.1:${ports.content}`,
    pages: Object.values(pages).map((port) => `http://127.0.0.1:${port}/metrics`),
  };
}

test("the service runs with the variables and commands of its manifest", async (t) => {
  const { collector, roles, apiUrl, contentUrl, pages } = await startService(t);

  await t.test("its probes are answered", async () => {
    for (const probe of ["readinessProbe", "livenessProbe"] as const) {
      await until(apiUrl + probePath("api", probe), async (url) => (await fetch(url)).ok);
      await until(contentUrl + probePath("content", probe), async (url) => (await fetch(url)).ok);
    }
  });

  await t.test("nothing is odd about the settings", () => {
    for (const { output } of Object.values(roles)) {
      assert.doesNotMatch(output.err, /There is no setting|did you mean|has no effect/);
    }
  });

  const admin = { apiUrl, username: "admin", password: PASSWORD };
  const api = createApi(admin, "/api/pulp/default/api/v3/");

  await t.test("what is asked of Prometheus is what the processes tell", async () => {
    for (const page of pages) await until(page, async (url) => (await fetch(url)).ok);
    const told = await Promise.all(pages.map(pageOf));
    const known = new Set(told.flatMap((page) => [...seriesOf(page)]));
    const unknown = questions.flatMap(({ place, expr }) =>
      instrumentsIn(expr).flatMap((name) => (known.has(name) ? [] : [`${place}: ${name}`])),
    );
    assert.deepEqual(unknown, []);
  });

  await t.test("the collector adds routes up to uploads and others", async () => {
    const before = total(await pageOf(collector.url), DURATIONS, /http_target="other"/);
    for (const path of ["repositories/", "remotes/", "repositories/"]) await api.get(path);
    await api.post("uploads/", { size: 10 });
    await until(collector.url, async (url) => {
      const page = await pageOf(url);
      const uploads = total(page, DURATIONS, /http_target="upload"/);
      return uploads === 1 && total(page, DURATIONS, /http_target="other"/) === before + 3;
    });
    const page = await pageOf(collector.url);
    assert.doesNotMatch(page, /http_target="(?!upload"|other")/);
    assert.match(page, /_bucket\{[^}]*le="750"[^}]*\}/);
  });

  await t.test("under the names that built-in pages have", async () => {
    await fetch(`${contentUrl}/api/pulp-content/default/none/`);
    const wanted = [
      ...["pulp_api_request_duration_milliseconds_bucket", "pulp_api_active_connections"],
      ...["pulp_content_request_duration_milliseconds_count", "pulp_waiting_tasks"],
      ...["pulp_tasks_unblocked_queue", "pulp_tasks_longest_unblocked_time_seconds"],
      "pulp_space_usage_bytes",
    ];
    await until(collector.url, async (url) => {
      const series = seriesOf(await pageOf(url));
      return wanted.every((name) => series.has(name));
    });
  });

  await t.test("and access lines have users and organisations", async () => {
    const identity = { org_id: "7", internal: { org_id: "7" }, user: { username: "mara" } };
    const header = Buffer.from(JSON.stringify({ identity })).toString("base64");
    await fetch(`${apiUrl}/api/pulp/default/api/v3/status/`, {
      headers: { "x-rh-identity": header, "x-forwarded-for": "192.0.2.7" },
    });
    await roles.api.says(
      /user:mara org_id:7 \[[^\]]+\] "GET \/api\/pulp\/default\/api\/v3\/status\/ .* x_forwarded_for:"192\.0\.2\.7"/,
    );
    await roles.content.says(/ cache:"[^"]*" artifact_size:"-" rh_org_id:"-" x_forwarded_for:/);
  });
});
