import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { knownSettings } from "#app/configure.ts";
import { split } from "#platform/config/files.ts";
import { isForeignName } from "#platform/config/foreign-names.ts";
import { loadSettings } from "#platform/config/load.ts";
import {
  allObjects,
  deployFolder,
  documentsOf,
  type Manifest,
  processed,
  usedParameters,
  yamlFiles,
} from "./manifests.ts";

const templates = yamlFiles.flatMap((path) =>
  documentsOf(path).filter(({ kind }) => kind === "Template"),
);
const objects = allObjects();
const find = (kind: string, name?: string): Manifest => {
  const found = objects.find(
    (one) => one.kind === kind && (name === undefined || one.metadata.name === name),
  );
  assert.ok(found, `no ${kind} ${name}`);
  return found;
};

test("there are manifests of each way to deploy", () => {
  for (const path of ["clowder/clowdapp.yaml", "kubernetes/api.yaml", "compose/compose.yaml"]) {
    assert.ok(yamlFiles.includes(path), path);
  }
  assert.equal(templates.length, 6);
});

for (const template of templates) {
  test(`the template ${template.metadata.name} declares what it uses, and no more`, () => {
    const declared = template.parameters.map(({ name }: { name: string }) => name);
    assert.deepEqual([...usedParameters(template)].sort(), declared.toSorted());
    const rest = JSON.stringify(processed(template)).match(/\$\{\{?\w+\}\}?/g);
    assert.equal(rest, null);
  });
}

test("no two objects for Kubernetes have the same kind and name", () => {
  const names = yamlFiles
    .filter((path) => path.startsWith("kubernetes/") && !path.includes("kustomization"))
    .flatMap((path) => documentsOf(path))
    .flatMap(({ kind, metadata }) => (metadata.name ? [`${kind} ${metadata.name}`] : []));
  assert.deepEqual([...new Set(names)], names);
});

interface EnvVar {
  readonly name: string;
  readonly value?: string;
}

const clowdApp = find("ClowdApp");
const deployments: readonly Manifest[] = clowdApp.spec.deployments;
const blockOf = (env: readonly EnvVar[]) =>
  Object.fromEntries(
    env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
/** What Compose makes of values without an `.env`. */
function interpolated(block: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const value = (text: string) =>
    text.replace(/\$\{\w+:[-?]([^}]*)\}/g, (_whole, other: string) => other);
  return Object.fromEntries(Object.entries(block).map(([name, text]) => [name, value(text)]));
}

const blocks: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ClowdApp: blockOf(deployments[0]?.podSpec.env),
  Kubernetes: find("ConfigMap", "pulp-environment").data,
  Compose: interpolated(documentsOf("compose/compose.yaml")[0]?.services.api.environment),
};

for (const [name, block] of Object.entries(blocks)) {
  test(`every variable of the block of ${name} is known, and has a value that is taken`, () => {
    const specs = knownSettings();
    const ours = Object.keys(block).filter((variable) => variable.startsWith("PULP_"));
    const unknown = ours.filter(
      (variable) => !isForeignName(variable) && !((split(variable.slice(5))[0] ?? "") in specs),
    );
    assert.deepEqual(unknown, []);
    assert.ok(ours.length > 40);
    const { PULP_SETTINGS: _file, ...environment } = block;
    const { warnings } = loadSettings({ specs, environment });
    assert.deepEqual(warnings, []);
  });
}

test("all processes of ours have the same block", () => {
  const ours = deployments.filter(({ name }) => name !== "clamav");
  assert.equal(ours.length, 5);
  for (const { podSpec } of ours) assert.deepEqual(blockOf(podSpec.env), blocks.ClowdApp);
});

const anything = Type.Unknown();
const strict = (fields: Readonly<Record<string, TSchema>>) =>
  Type.Object({ ...fields }, { additionalProperties: false });
const optional = (schema: TSchema) => Type.Optional(schema);
const texts = Type.Array(Type.String());

const podSpec = strict({
  image: Type.String(),
  command: optional(texts),
  args: optional(texts),
  env: optional(Type.Array(anything)),
  initContainers: optional(
    Type.Array(
      strict({ name: Type.String(), command: texts, args: texts, inheritEnv: Type.Boolean() }),
    ),
  ),
  resources: optional(anything),
  readinessProbe: optional(anything),
  livenessProbe: optional(anything),
  volumes: optional(Type.Array(anything)),
  volumeMounts: optional(Type.Array(anything)),
  terminationGracePeriodSeconds: optional(Type.Integer()),
  sidecars: optional(
    Type.Array(
      strict({
        ...{ name: Type.Literal("otel-collector"), enabled: Type.Boolean() },
        ...{ configMap: Type.String(), memoryRequest: Type.String(), memoryLimit: Type.String() },
      }),
    ),
  ),
});

/** The fields of Clowder's API that are used here; its types come from nowhere that tests can ask. */
const clowdAppSpec = strict({
  envName: Type.String(),
  database: strict({ name: Type.String(), version: Type.Integer({ minimum: 12, maximum: 16 }) }),
  inMemoryDb: Type.Boolean(),
  objectStore: texts,
  deployments: Type.Array(
    strict({
      ...{ name: Type.String(), replicas: Type.Integer({ minimum: 0 }), podSpec },
      webServices: optional(
        strict({
          public: optional(
            strict({
              enabled: Type.Boolean(),
              apiPaths: Type.Array(Type.String({ pattern: "^/api/[a-zA-Z0-9-]+/$" })),
            }),
          ),
          private: optional(strict({ enabled: Type.Boolean() })),
        }),
      ),
    }),
  ),
  jobs: Type.Array(strict({ name: Type.String(), restartPolicy: Type.Literal("Never"), podSpec })),
});

test("the ClowdApp has the fields of its kind", () => {
  const [error] = Value.Errors(clowdAppSpec, clowdApp.spec);
  assert.equal(error, undefined);
});

test("probes, sizes and times are those of the specification", () => {
  const facts = Object.fromEntries(
    deployments.map(({ name, podSpec: { resources, ...pod } }) => [
      name,
      [
        `${resources.requests.cpu}/${resources.limits.cpu}`,
        `${resources.requests.memory}/${resources.limits.memory}`,
        pod.readinessProbe.httpGet?.path ?? pod.readinessProbe.exec.command.join(" "),
        pod.terminationGracePeriodSeconds,
        pod.sidecars?.length ?? 0,
        pod.initContainers?.[0]?.name,
      ],
    ]),
  );
  const API = "/api/pulp/api/v3/livez/";
  const CONTENT = "/api/pulp-content/default/";
  const WAIT = "wait-on-migrations";
  assert.deepEqual(facts, {
    api: ["500m/1000m", "256Mi/512Mi", API, 120, 1, WAIT],
    content: ["250m/500m", "256Mi/512Mi", CONTENT, 330, 1, WAIT],
    worker: ["250m/500m", "1024Mi/2048Mi", "/bin/true", 3660, 1, WAIT],
    "worker-auxiliary": ["250m/500m", "1024Mi/2048Mi", "/bin/true", 3660, 1, WAIT],
    clamav: ["1/2", "3Gi/4Gi", "clamdscan --ping 1", undefined, 0, undefined],
    "migrate-db": [
      ...["150m/300m", "512Mi/1024Mi", "stat /tmp/migrated", undefined, 0],
      "wait-on-postgres",
    ],
  });
});

test("what is mounted is made by somebody, or may be away", () => {
  const made = new Set([
    ...objects.filter(({ kind }) => kind === "ConfigMap").map(({ metadata }) => metadata.name),
    ...["pulp-db-fields-encryption", "pulp-settings"],
  ]);
  const mounted = JSON.stringify(objects).matchAll(
    /"(?:secret|configMap)":\{"(?:secretName|name)":"([^"]+)"(?:,"optional":(true|false))?/g,
  );
  const missing = [...mounted].filter(([, name = "", away]) => away !== "true" && !made.has(name));
  assert.deepEqual(
    missing.map(([, name]) => name),
    [],
  );
});

test("the folder of Kubernetes names its files, and each Service leads to pods", () => {
  const [kustomization] = documentsOf("kubernetes/kustomization.yaml");
  for (const file of kustomization?.resources ?? []) {
    assert.ok(existsSync(join(deployFolder, "kubernetes", file)), file);
  }
  const pods = objects
    .filter(({ kind }) => kind === "Deployment")
    .map(({ spec }) => JSON.stringify(spec.template.metadata.labels));
  for (const { spec, metadata } of objects.filter(({ kind }) => kind === "Service")) {
    assert.ok(pods.includes(JSON.stringify(spec.selector)), metadata.name);
  }
});

test("each invocation names a job of the app, and the first one waits for nothing", () => {
  const names = clowdApp.spec.jobs.map(({ name }: { name: string }) => name);
  const invocations = objects.filter(({ kind }) => kind === "ClowdJobInvocation");
  assert.deepEqual(
    invocations.flatMap(({ spec }) => spec.jobs),
    names,
  );
  assert.deepEqual(
    invocations.map(({ spec }) => spec.runOnNotReady === true),
    [true, false, false, false],
  );
});

test("the autoscaler and the exports are those of the specification", () => {
  const { spec } = find("ScaledObject");
  assert.deepEqual([spec.minReplicaCount, spec.maxReplicaCount], [1, 20]);
  const { behavior } = spec.advanced.horizontalPodAutoscalerConfig;
  assert.deepEqual(behavior.scaleUp.policies, [{ type: "Pods", value: 5, periodSeconds: 30 }]);
  assert.equal(behavior.scaleDown.stabilizationWindowSeconds, 300);
  const schedules = objects
    .filter(({ kind }) => kind === "CronJob")
    .map(({ spec: { schedule, concurrencyPolicy } }) => [schedule, concurrencyPolicy]);
  assert.deepEqual(
    schedules,
    [15, 25, 35, 45].map((minute) => [`${minute} * * * *`, "Forbid"]),
  );
});
