import assert from "node:assert/strict";
import { test } from "node:test";
import { compileAccessFormat } from "#platform/log/access-format.ts";
import {
  SERVICE_API_ACCESS_FORMAT,
  SERVICE_CONTENT_ACCESS_FORMAT,
} from "#platform/log/access-log.ts";
import { allObjects } from "./manifests.ts";

interface Target {
  readonly expression?: string;
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly { readonly title: string; readonly targets: readonly Target[] }[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
}

const dashboards = allObjects()
  .filter(({ kind, metadata }) => kind === "ConfigMap" && "labels" in metadata)
  .filter(({ metadata }) => (metadata.labels as Record<string, string>).grafana_dashboard)
  .flatMap(({ data }) => Object.values(data as Record<string, string>))
  .map((text) => JSON.parse(text) as Dashboard);

const queries = dashboards.flatMap(({ uid, panels }) =>
  panels.flatMap(({ title, targets }) =>
    targets.flatMap(({ expression }) => (expression ? [{ uid, title, expression }] : [])),
  ),
);

/** The first named expression of a query, as our engine reads it. */
function lineOf(expression: string): RegExp {
  const [, source = ""] = /parse @message \/(.*)\/$/m.exec(expression) ?? [];
  return new RegExp(source);
}

const record = {
  ...{ address: "10.0.0.9", port: 1, user: "mara", method: "GET", protocol: "HTTP/1.1" },
  ...{ url: "/api/pypi/public-rhai/main/simple/torch/", query: "", status: 200, bytes: 512 },
  path: "/api/pypi/public-rhai/main/simple/torch/",
  startedAt: new Date(0),
  durationMs: 12.4,
  requestHeader: (name: string) => ({ "x-forwarded-for": "192.0.2.7, 10.0.0.1" })[name],
  responseHeader: (name: string) =>
    ({ "x-pulp-cache": "HIT", "x-pulp-artifact-size": "1024", "x-rh-org-id": "44" })[
      name.toLowerCase()
    ],
  environment: (name: string) => ({ REMOTE_USER: "mara", ORG_ID: "44" })[name],
};

const apiLine = compileAccessFormat(SERVICE_API_ACCESS_FORMAT)(record);
const contentLine = compileAccessFormat(SERVICE_CONTENT_ACCESS_FORMAT)(record);

/** Lines of the workers and of log-ins, as `src/worker` and `src/core/access` write them. */
const LINES = {
  done: "pulp [0a]: pulpcore.tasking.tasks:INFO: Task completed 0198-f in domain: public-x, task_type: pulp_rpm.app.tasks.sync, immediate: False, deferred: True, execution_time: 5123 μs",
  begun:
    "pulp [0a]: pulpcore.tasking.tasks:INFO: Starting task id: 0198-f in domain: public-x, task_type: a.b, immediate: True, deferred: False, worker: 7@host",
  failed:
    "pulp [0a]: pulpcore.tasking.tasks:INFO: Task[a.b] 0198-f failed (Error: no) in domain: x",
  user: "pulp [0a]: pulpcore.app:INFO: New user created: username=44|mara, route=/api/pulp/",
};

const expected: readonly (readonly [part: string, line: string, fields: object])[] = [
  [
    "org_id:",
    apiLine,
    {
      ...{ user: "mara", org: "44", method: "GET", path: record.path, status: "200" },
      client: "192.0.2.7",
    },
  ],
  [
    "artifact_size:",
    contentLine,
    {
      ...{ method: "GET", path: record.path, status: "200", bytes: "512" },
      cache: "HIT",
      size: "1024",
    },
  ],
  ["(?<ms>", apiLine, { method: "GET", path: record.path, status: "200", ms: "12" }],
  [
    "Task completed",
    LINES.done,
    {
      ...{ task: "0198-f", domain: "public-x", type: "pulp_rpm.app.tasks.sync" },
      ...{ immediate: "False", deferred: "True", micros: "5123" },
    },
  ],
  [
    "Starting task id",
    LINES.begun,
    {
      ...{ task: "0198-f", domain: "public-x", type: "a.b", immediate: "True" },
      ...{ deferred: "False", worker: "7@host" },
    },
  ],
  ["failed", LINES.failed, { type: "a.b", task: "0198-f" }],
  ["New user", LINES.user, { user: "44|mara", route: "/api/pulp/" }],
];

for (const [part, line, fields] of expected) {
  test(`queries take apart the line of ${part}`, () => {
    const of = queries.filter(({ expression }) => lineOf(expression).source.includes(part));
    assert.ok(of.length > 0, "nobody asks");
    for (const { title, expression } of of) {
      assert.deepEqual({ ...lineOf(expression).exec(line)?.groups }, fields, title);
    }
  });
}

test("every query that parses lines is among those, or counts lines by their text", () => {
  const others = queries.filter(
    ({ expression }) => !expected.some(([part]) => lineOf(expression).source.includes(part)),
  );
  assert.deepEqual(
    others.map(({ title }) => title),
    ["Connections that broke"],
  );
});

test("the package of an index is found in its path", () => {
  const of = queries.find(({ title }) => title === "Most wanted packages");
  const [, source = ""] = /parse path \/(.*)\/$/m.exec(of?.expression ?? "") ?? [];
  const { groups } = new RegExp(source).exec(record.path) ?? {};
  assert.deepEqual(
    { ...groups },
    { domain: "public-rhai", distribution: "main", package: "torch" },
  );
});

test("there are three dashboards, with the variables that their queries name", () => {
  assert.deepEqual(dashboards.map(({ title }) => title).toSorted(), [
    "AIPCC Metrics",
    "Pulp Metrics",
    "Trusted Libraries",
  ]);
  for (const dashboard of dashboards) {
    const known = dashboard.templating.list.map(({ name }) => name);
    const used = [...JSON.stringify(dashboard.panels).matchAll(/\$\{(\w+)\}|"\$(\w+)"/g)];
    for (const [, braced, plain] of used) assert.ok(known.includes(braced ?? plain ?? ""));
    const ids = dashboard.panels.map((panel) => (panel as unknown as { id: number }).id);
    assert.equal(new Set(ids).size, ids.length);
  }
});
