import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN } from "../people.ts";
import { below, CLASSES, createService, RBAC, STRANGER } from "../support.ts";

const withRoles = (t: Parameters<typeof createService>[0]) =>
  createService(t, {
    REST_FRAMEWORK: {
      DEFAULT_AUTHENTICATION_CLASSES: [CLASSES.certificate, CLASSES.basic, CLASSES.terms],
      DEFAULT_PERMISSION_CLASSES: [RBAC],
    },
  });

/** The views of service §5.4 that have a stored policy, with what it speaks of. */
const VIEWS: Readonly<Record<string, readonly string[]>> = {
  "contentguards/service/feature": [
    ...["add_role", "create", "destroy", "list", "list_roles", "my_permissions"],
    ...["partial_update", "remove_role", "retrieve", "update"],
  ],
  vuln_report_service: [
    ...["add_role", "create", "destroy", "list", "list_roles", "my_permissions", "remove_role"],
    "retrieve",
  ],
  pypi_yank_monitor: [
    ...["add_role", "check", "create", "destroy", "list", "list_roles", "my_permissions"],
    ...["partial_update", "remove_role", "report", "retrieve", "set_label", "unset_label"],
  ],
  "domains/create": ["post"],
  "domains/migrate": ["post"],
};

test("24 RBAC: the five views have stored policies that speak of their actions", async (t) => {
  const api = await withRoles(t);
  for (const [viewset, actions] of Object.entries(VIEWS)) {
    const path = `access_policies/?viewset_name=${encodeURIComponent(viewset)}`;
    const { results } = (await api.get(below("default", path))).body;
    assert.equal(results.length, 1, viewset);
    const [{ statements, customized }] = results;
    const spoken = new Set(
      statements.flatMap(({ action }: { action: string | readonly string[] }) => action),
    );
    assert.deepEqual([...spoken].sort(), actions, viewset);
    assert.equal(customized, false);
  }
});

test("24 RBAC: strangers get 401 for every list", async (t) => {
  const api = await withRoles(t);
  for (const path of [
    ...["contentguards/service/feature/", "vuln_report_service/", "pypi_yank_monitor/"],
    ...["domains/", "repositories/", "tasks/", "users/", "rh_service_account/"],
  ]) {
    assert.equal((await api.get(below("default", path), STRANGER)).status, 401, path);
    assert.equal((await api.get(below("default", path), ADMIN)).status, 200, path);
  }
});
