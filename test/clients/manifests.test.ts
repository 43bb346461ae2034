import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseAllDocuments, stringify } from "yaml";
import { runProgram } from "../app/program.ts";
import {
  allObjects,
  deployFolder,
  documentsOf,
  type Manifest,
  yamlFiles,
} from "../deploy/manifests.ts";
import { questions, ruleGroups } from "../deploy/promql.ts";
import { deploymentTool } from "./support/deployment-tools.ts";

/** Kinds of Clowder, whose types are nowhere to be had; `test/deploy` looks at their fields. */
const OF_CLOWDER = ["ClowdApp", "ClowdJobInvocation"];

const lines = (objects: readonly object[]): string =>
  objects.map((object) => JSON.stringify(object)).join("\n");

/** What a ClowdApp takes over from Kubernetes as it is. */
const podParts = (app: Manifest) =>
  [...app.spec.deployments, ...app.spec.jobs].map(({ podSpec }) => {
    const { env, resources, readinessProbe, livenessProbe, volumes, volumeMounts } = podSpec;
    const parts = { env, resources, readinessProbe, livenessProbe, volumes, volumeMounts };
    return { apiVersion: "test", kind: "PodParts", ...parts };
  });

test("every object is one of its kind, without a field that this does not have", () => {
  const objects = allObjects();
  const templates = yamlFiles
    .flatMap((path) => documentsOf(path))
    .filter(({ kind }) => kind === "Template");
  const app = objects.find(({ kind }) => kind === "ClowdApp");
  assert.ok(app && templates.length > 0 && objects.length > 40);
  const known = objects.filter(({ kind }) => !OF_CLOWDER.includes(kind));

  const { code, text } = deploymentTool("manifests", [], {
    input: lines([...known, ...templates, ...podParts(app)]),
  });

  assert.equal(code, 0, text);
});

test("a field that no kind has is found", () => {
  const wrong = { apiVersion: "v1", kind: "Service", spec: { port: [] } };
  const { code, text } = deploymentTool("manifests", [], { input: lines([wrong]) });
  assert.deepEqual([code, text], [1, '1: Service: json: unknown field "port"\n']);
});

test("what the first job prints are objects, too", async (t) => {
  for (const kind of ["route", "ingress"]) {
    const words = [
      "create-settings-and-ingress",
      "--print",
      "--ingress",
      kind,
      "--host",
      "p.example",
    ];
    const { out } = await runProgram(t, ["manager", ...words]);
    const objects = parseAllDocuments(out).map((document) => document.toJS() as object);
    const { code, text } = deploymentTool("manifests", [], { input: lines(objects) });
    assert.equal(code, 0, text);
  }
});

test("Compose reads its file, and wants a password", () => {
  const file = join(deployFolder, "compose/compose.yaml");
  const { code, text } = deploymentTool("compose", [file], { env: { POSTGRES_PASSWORD: "x" } });
  assert.equal(code, 0, text);
  assert.deepEqual(text.trim().split("\n").toSorted(), [
    ...["api", "clamav", "content", "migrate", "postgres", "proxy", "redis", "settings", "worker"],
  ]);
  assert.match(deploymentTool("compose", [file]).text, /POSTGRES_PASSWORD.*set it in \.env/);
});

test("collectors take their files", async (t) => {
  const folder = await temporary(t);
  const standalone = allObjects().find(
    ({ metadata }) => metadata.name === "pulp-task-monitor-otel-config",
  );
  const files = {
    "sidecar.yaml": stringify(documentsOf("otel/collector.yaml")[0]),
    "standalone.yaml": standalone?.data["config.yaml"],
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text);
    const done = deploymentTool("collector", ["validate", "--config", join(folder, name)]);
    assert.equal(done.code, 0, done.text);
  }
  const clowder = allObjects().find(({ metadata }) => metadata.name === "pulp-otel-config");
  assert.deepEqual(
    parseAllDocuments(clowder?.data["config.yaml"])[0]?.toJS(),
    documentsOf("otel/collector.yaml")[0],
  );
});

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-rules-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test("Prometheus takes every question", async (t) => {
  assert.ok(questions.length > 50);
  const folder = await temporary(t);
  const rules = questions.map(({ expr }, index) => ({ record: `question:${index}`, expr }));
  await writeFile(join(folder, "rules.yaml"), stringify({ groups: [{ name: "all", rules }] }));
  const checked = deploymentTool("promtool", ["check", "rules", join(folder, "rules.yaml")]);
  assert.equal(checked.code, 0, checked.text);
  await writeFile(join(folder, "own.yaml"), stringify({ groups: ruleGroups }));
  const own = deploymentTool("promtool", ["check", "rules", join(folder, "own.yaml")]);
  assert.equal(own.code, 0, own.text);
});

/** Requests of a minute by their bounds: how many of 60 took at most so long. */
const bucket = (le: string, each: number, more = "") => ({
  series: `pulp_api_request_duration_milliseconds_bucket{le="${le}", http_method="GET", http_target="other"${more}}`,
  values: `0+${each}x120`,
});

const alertsAt = (alertname: string, minutes: number, labels: object | undefined) => ({
  ...{ eval_time: `${minutes}m`, alertname },
  exp_alerts: labels ? [labels] : [],
});

test("alerts are told when they should be", async (t) => {
  const folder = await temporary(t);
  await writeFile(join(folder, "rules.yaml"), stringify({ groups: withoutTexts(ruleGroups) }));
  const replicas = 'kube_deployment_status_replicas_available{deployment="pulp-api"}';
  const labels = (severity: string) => ({ exp_labels: { severity, service: "pulp" } });
  const slow = "PulpApiReadLatencyBurns";
  const tests = [
    {
      interval: "1m",
      input_series: [{ series: replicas, values: "1x9 0x20" }],
      alert_rule_test: [
        alertsAt("PulpApiDown", 12, undefined),
        alertsAt("PulpApiDown", 16, labels("critical")),
        // Nobody tells of these: they are away, too.
        alertsAt("PulpContentDown", 2, labels("critical")),
      ],
    },
    {
      interval: "1m",
      // A tenth of reads within the bound, which is far less than 95 %.
      input_series: [
        bucket("750.0", 6),
        bucket("+Inf", 60),
        {
          ...bucket("+Inf", 60),
          series:
            'pulp_api_request_duration_milliseconds_count{http_method="GET", http_target="other", http_status_code="2xx"}',
        },
      ],
      alert_rule_test: [
        { eval_time: "100m", alertname: slow, exp_alerts: [labels("critical"), labels("warning")] },
        alertsAt("PulpApiSuccessBurns", 100, undefined),
        alertsAt("PulpApiUploadLatencyBurns", 100, undefined),
      ],
    },
  ];
  const file = join(folder, "tests.yaml");
  await writeFile(
    file,
    stringify({ rule_files: ["rules.yaml"], evaluation_interval: "1m", tests }),
  );

  const { code, text } = deploymentTool("promtool", ["test", "rules", file]);

  assert.equal(code, 0, text);
});

/** Texts are for people; what is asked here is when an alert is told. */
const withoutTexts = (groups: typeof ruleGroups) =>
  groups.map((group) => ({
    ...group,
    rules: group.rules.map(({ annotations: _, ...rule }) => rule),
  }));
