import assert from "node:assert/strict";
import { test } from "node:test";
import { CLASSES, createService } from "../support.ts";

interface Described {
  readonly tags: readonly string[];
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string }[];
}

/** The class that a generator of clients makes of a tag. */
const classOf = (tag: string): string =>
  `${tag
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("")}Api`;

test("8, scenario 7: clients that are generated have the classes and methods of the peer's", async (t) => {
  const api = await createService(t, { classes: [CLASSES.basic] });
  const { body, status } = await api.get("/pulp/api/v3/docs/api.json?bindings&component=service");
  assert.equal(status, 200);
  const paths = Object.entries(body.paths as Record<string, Record<string, Described>>);
  const methods = new Map<string, Set<string>>();
  for (const [path, operations] of paths) {
    for (const { tags, operationId, parameters } of Object.values(operations)) {
      const name = classOf(tags[0] ?? "");
      methods.set(name, (methods.get(name) ?? new Set()).add(operationId));
      if (path.startsWith("/api/pulp/"))
        assert.ok(!parameters.some((one) => one.name === "pulp_domain"), path);
    }
  }
  const crud = ["list", "create", "read", "delete"];
  for (const [name, expected] of [
    ["ContentguardsFeatureApi", [...crud, "update", "partial_update"]],
    ["VulnReportServiceApi", crud],
    ["PypiYankMonitorApi", [...crud, "check", "report"]],
    ["ApiDebugAuthHeaderApi", ["debug_auth_header"]],
    ["ApiCreateDomainApi", ["create_domain"]],
    ["TasksApi", ["admin_tasks"]],
  ] as const) {
    const found = methods.get(name) ?? new Set();
    assert.deepEqual(
      expected.filter((method) => !found.has(method)),
      [],
      name,
    );
  }
  const create = body.paths["/api/pulp/create-domain/"].post;
  assert.equal(create.summary, "Create domain");
});
