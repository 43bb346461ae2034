import { definePlugin, malwareScans } from "#sdk";
import { domainBasedPermission } from "./access/domain-based.ts";
import { serviceAccess } from "./access/policies.ts";
import { serviceAccessPolicy } from "./access/rbac.ts";
import { serviceAccounts } from "./accounts/accounts.ts";
import { adminSite } from "./admin/site.ts";
import { createDomain } from "./domains/create-domain.ts";
import { domainOrgs } from "./domains/domain-orgs.ts";
import { migrateDomain } from "./domains/migrate-domain.ts";
import { listenToEvents } from "./events/listener.ts";
import { FEATURE_GUARD, featureGuard, featureGuardResource } from "./features/guard.ts";
import { claimsReader } from "./identity/claims.ts";
import { headerAuthentication } from "./identity/classes.ts";
import { businessMetrics } from "./metrics/business/endpoints.ts";
import { cleanUpMetrics, metricsSchedules, sampleStorage } from "./metrics/clean-up.ts";
import { serviceMeter } from "./metrics/meter.ts";
import { packageDownloads } from "./metrics/rest.ts";
import { onDownload } from "./middleware/content.ts";
import { serviceMiddleware } from "./middleware/middleware.ts";
import { connectionTests } from "./operations/connections/tasks.ts";
import { repairVersions } from "./operations/data-repair.ts";
import { cleanUpLocks } from "./operations/locks/cleanup.ts";
import { operations } from "./operations/operations.ts";
import { countContentSources, countRhelAi, noOp, serviceSchedules } from "./operations/tasks.ts";
import { pushGate } from "./push/gate.ts";
import { pushRepositories } from "./push/rest.ts";
import { rulesBeforeGuards } from "./rules/prelude.ts";
import { guardRuleResource } from "./rules/rules.ts";
import { ruleSchemas } from "./rules/schemas.ts";
import { serviceSettings, serviceSettingsOf } from "./settings.ts";
import { syncLightwell, syncScheduled, syncSchedules } from "./syncs/tasks.ts";
import { vulnerabilityReports } from "./vulnerabilities/reports.ts";
import { reportLockFile, reportVersion } from "./vulnerabilities/tasks.ts";
import { yankMonitors } from "./yanks/monitors.ts";
import { yankSchemas } from "./yanks/schemas.ts";
import { checkMonitor, checkMonitors, yankSchedules } from "./yanks/tasks.ts";

export const service = definePlugin({
  label: "service",
  version: "0.1.0",
  package: "pulp_service",
  module: "pulp_service.app",
  migrations: new URL("./migrations/", import.meta.url),
  isOptIn: true,
  entities: [FEATURE_GUARD],
  contentTypes: [],
  repositoryTypes: [],
  access: serviceAccess,
  permissionClasses: [domainBasedPermission, serviceAccessPolicy],
  authentication: headerAuthentication,
  claims: claimsReader,
  middleware: serviceMiddleware,
  pages: adminSite,
  onDownload,
  listen: listenToEvents,
  usesRedis: (settings) => serviceSettingsOf({ settings }).EVENT_STREAM !== "",
  meter: serviceMeter,
  resources: [
    domainOrgs,
    featureGuardResource,
    yankMonitors,
    vulnerabilityReports,
    serviceAccounts,
    packageDownloads,
    pushRepositories,
    malwareScans.resource,
    guardRuleResource,
  ],
  schemas: { ...yankSchemas, ...ruleSchemas },
  pushGate,
  endpoints: [createDomain, migrateDomain, ...operations, ...businessMetrics],
  tasks: [
    noOp,
    countContentSources,
    countRhelAi,
    cleanUpLocks,
    repairVersions,
    ...malwareScans.tasks,
    ...connectionTests.map(([, task]) => task),
    checkMonitor,
    checkMonitors,
    reportVersion,
    reportLockFile,
    cleanUpMetrics,
    sampleStorage,
    syncLightwell,
    syncScheduled,
  ],
  schedules: (settings) => [
    ...[...serviceSchedules, ...yankSchedules, ...metricsSchedules, malwareScans.schedule],
    ...syncSchedules(settings),
  ],
  delivery: [],
  guards: [featureGuard],
  beforeGuards: [rulesBeforeGuards],
  settings: serviceSettings,
});
