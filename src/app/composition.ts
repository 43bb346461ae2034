import { cleanUpAuditTrail } from "#core/audit/tasks.ts";
import { migrateBackend } from "#core/domains/tasks.ts";
import { ARTIFACT_DISTRIBUTION, coreGuards } from "#core/guards/models.ts";
import { maintenanceTasks } from "#core/maintenance/tasks.ts";
import { measureSpace } from "#core/measures/tasks.ts";
import type { CorePlugin, TaskDefinition } from "#core/plugin-contract.ts";
import { coreRules } from "#core/policies/core-rules.ts";
import { coreRepositoryTasks } from "#core/repositories/tasks.ts";
import { coreSealed } from "#core/sealed-columns.ts";
import { purgeTasks } from "#core/tasks/purge.ts";
import { commitUpload } from "#core/uploads/tasks.ts";
import { type ApiIndex, indexApi } from "#rest/kit/api-index.ts";
import { createGeneralTasks, type GeneralTasks } from "#rest/kit/general-tasks.ts";
import { type Route, routesOf } from "#rest/kit/routes.ts";
import { siteRoutes } from "#rest/kit/site.ts";
import { coreParts } from "#rest/resources/core-parts.ts";
import { explainEndpoint, explanationSchema } from "#rest/resources/explain.ts";
import { familyResources } from "#rest/resources/families/parts.ts";
import type { Plugin } from "#sdk";
import { requirePolicies } from "./policies.ts";
import { CORE_VERSION } from "./version.ts";

/** What this program is made of: the core and the enabled plugins, each part for its owner. */
export interface Composition {
  /** Core first. */
  readonly plugins: readonly CorePlugin[];
  readonly shipped: readonly Plugin[];
  readonly api: ApiIndex;
  readonly generalTasks: GeneralTasks;
}

const coreEntities = [...coreGuards, ARTIFACT_DISTRIBUTION];

const coreTasks: readonly TaskDefinition[] = [
  purgeTasks,
  cleanUpAuditTrail,
  commitUpload,
  ...coreRepositoryTasks,
  ...maintenanceTasks,
  measureSpace,
  migrateBackend,
];

export function compose(shipped: readonly Plugin[]): Composition {
  const types = [{ entities: coreEntities }, ...shipped];
  const sites = shipped.flatMap(({ sites: own = [] }) => own);
  let routes: readonly Route[] = [];
  const api = indexApi({
    endpoints: [
      ...coreParts.endpoints,
      ...shipped.flatMap(({ endpoints = [] }) => endpoints),
      explainEndpoint(() => routes),
    ],
    schemas: {
      ...coreParts.schemas,
      ...Object.assign({}, ...[...sites, ...shipped].map(({ schemas }) => schemas)),
      PermissionExplanationResponse: explanationSchema,
    },
    resources: [
      ...coreParts.resources,
      ...familyResources(types),
      ...shipped.flatMap(({ resources }) => resources),
    ],
    sites,
    described: shipped.flatMap(({ described = [] }) => described),
  });
  const generalTasks = createGeneralTasks(api);
  const core: CorePlugin = {
    label: "core",
    version: CORE_VERSION,
    package: "pulpcore",
    module: "pulpcore.app",
    migrations: new URL("../core/migrations/", import.meta.url),
    entities: coreEntities,
    contentTypes: [],
    repositoryTypes: [],
    access: coreRules,
    tasks: [...coreTasks, ...generalTasks.definitions],
    sealed: coreSealed,
  };
  const plugins = [core, ...shipped];
  routes = [...routesOf(api, generalTasks), ...api.parts.sites.flatMap(siteRoutes)];
  requirePolicies(plugins, routes);
  return { plugins, shipped, api, generalTasks };
}
