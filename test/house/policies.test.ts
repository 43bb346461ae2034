import assert from "node:assert/strict";
import { test } from "node:test";
import { compose } from "#app/composition.ts";
import { shippedPlugins } from "#app/plugins.ts";
import { loginRoutes } from "#rest/auth/login-routes.ts";
import { descriptionRoutes } from "#rest/kit/openapi/routes.ts";
import { routesOf } from "#rest/kit/routes.ts";

/** Addresses that ask for no credentials; whoever adds one says so here. */
const PUBLIC = [
  // Probes of a gateway, and what a setting has to open.
  "GET /api/pulp/debug_auth_header/",
  "GET /api/pulp/internal-server-error-check/",
  "GET /api/pulp/raise-exception-check/",
  "GET /api/pulp/rds-connection-tests/",
  "GET /api/pulp/redirect-check/",
  "GET /api/pulp/test/random_lock_tasks/",
  "GET /api/pulp/test/tasks/",
  "POST /api/pulp/rds-connection-tests/",
  "GET ",
  ...["GET /auth/login/", "GET /auth/logout/", "POST /auth/login/", "POST /auth/logout/"],
  ...[
    "GET docs/",
    "GET docs/api.json",
    "GET docs/api.yaml",
    "GET livez",
    "GET readyz",
    "GET status",
  ],
  ...["GET swagger/", "POST tokens/exchange"],
  ...["GET /_/oidc/audience", "POST /_/oidc/mint-token"],
];

/** Addresses that say by themselves who may come, whatever decides elsewhere; strangers may not. */
const BY_THEMSELVES = [
  "GET /api/pulp/admin/tasks/",
  "GET /api/pulp/debug/cleanup-stale-locks/",
  "GET /api/pulp/debug/database-triggers/",
  "GET /api/pulp/debug/release-task-locks/",
  "GET /api/pulp/debug/stale-locks/",
  "GET /api/pulp/debug/task-debug/",
  "GET /api/pulp/debug/task-queue/",
  "POST /api/pulp/debug/cleanup-stale-locks/",
  "POST /api/pulp/debug/release-task-locks/",
  "POST /api/pulp/test/trigger-oom/",
  "POST datarepair/7465-v2",
];

const { api, generalTasks, plugins } = compose(shippedPlugins);
const routes = [...routesOf(api, generalTasks), ...descriptionRoutes(), ...loginRoutes()];
const operations = routes.flatMap(({ name, operations: list }) =>
  list.map(({ method, isPublic = false, admits }) => ({
    ...{ name, isPublic, text: `${method} ${name}` },
    decidesItself: admits !== undefined,
  })),
);

test("no address is open to strangers by accident", () => {
  const open = operations.filter(({ isPublic }) => isPublic).map(({ text }) => text);
  assert.deepEqual([...new Set(open)].sort(), [...PUBLIC].sort());
});

test("no address decides by itself by accident, and none of them is open to strangers", () => {
  const own = operations.filter(({ decidesItself }) => decidesItself);
  assert.deepEqual(own.map(({ text }) => text).sort(), [...BY_THEMSELVES].sort());
  assert.ok(own.every(({ isPublic }) => !isPublic));
});

test("every other address has a policy, or is for administrators only, and not both", () => {
  const withPolicy = plugins.flatMap(({ access }) => access.policies.map(({ viewset }) => viewset));
  const adminOnly = plugins.flatMap(({ access }) => access.adminOnly);
  const closed = operations.filter(({ isPublic, decidesItself }) => !isPublic && !decidesItself);
  const said = (name: string): number =>
    [...withPolicy, ...adminOnly].filter((one) => one === name).length;
  const wrong = closed.filter(({ name }) => said(name) !== 1).map(({ text }) => text);
  assert.deepEqual(wrong, []);
});
