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
  "GET /api/pulp/redirect-check/",
  "GET /api/pulp/test/random_lock_tasks/",
  "GET /api/pulp/test/tasks/",
  "GET ",
  ...["GET /auth/login/", "GET /auth/logout/", "POST /auth/login/", "POST /auth/logout/"],
  ...["GET docs/", "GET docs/api.json", "GET docs/api.yaml", "GET livez", "GET status"],
  ...["GET swagger/", "POST tokens/exchange"],
  ...["GET /_/oidc/audience", "POST /_/oidc/mint-token"],
];

const { api, generalTasks, plugins } = compose(shippedPlugins);
const routes = [...routesOf(api, generalTasks), ...descriptionRoutes(), ...loginRoutes()];
const operations = routes.flatMap(({ name, operations: list }) =>
  list.map(({ method, isPublic = false }) => ({ name, isPublic, text: `${method} ${name}` })),
);

test("no address is open to strangers by accident", () => {
  const open = operations.filter(({ isPublic }) => isPublic).map(({ text }) => text);
  assert.deepEqual([...new Set(open)].sort(), [...PUBLIC].sort());
});

test("every other address has a policy, or is for administrators only, and not both", () => {
  const withPolicy = plugins.flatMap(({ access }) => access.policies.map(({ viewset }) => viewset));
  const adminOnly = plugins.flatMap(({ access }) => access.adminOnly);
  const closed = operations.filter(({ isPublic }) => !isPublic);
  const said = (name: string): number =>
    [...withPolicy, ...adminOnly].filter((one) => one === name).length;
  const wrong = closed.filter(({ name }) => said(name) !== 1).map(({ text }) => text);
  assert.deepEqual(wrong, []);
});
