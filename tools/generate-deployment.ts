/**
 * Writes what is generated below `deploy/`: whatever names the same variables, probes and sizes.
 *
 *   node tools/generate-deployment.ts [--check]
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { prometheusRule } from "./deployment/alerts.ts";
import { autoscaler } from "./deployment/autoscaler.ts";
import { clowdAppTemplate, invocationsTemplate } from "./deployment/clowdapp.ts";
import { sidecar, standalone } from "./deployment/collector.ts";
import { compose } from "./deployment/compose.ts";
import { cronTemplate } from "./deployment/cron.ts";
import { pulpMetrics } from "./deployment/dashboard-pulp.ts";
import { aipccMetrics, trustedLibraries } from "./deployment/dashboard-users.ts";
import {
  connections,
  environment,
  jobObjects,
  kustomization,
  objectsOf,
  podMonitor,
} from "./deployment/kubernetes.ts";
import { dashboardMap } from "./deployment/panels.ts";
import { roles } from "./deployment/roles.ts";
import { taskMonitorTemplate } from "./deployment/task-monitor.ts";
import { vpnProxyTemplate } from "./deployment/vpn-proxy.ts";
import { yamlFile } from "./deployment/yaml.ts";
import { keepFile } from "./keep-file.ts";

const sourceOf = (path: string): string =>
  readFileSync(join(import.meta.dirname, "../deploy", path), "utf8");

const collector = yamlFile(sidecar);
const proxyFiles = {
  "start.sh": sourceOf("vpn/start.sh"),
  "nginx.conf": sourceOf("vpn/nginx.conf"),
};

const files: Readonly<Record<string, readonly object[]>> = {
  "otel/collector.yaml": [sidecar],
  "otel/task-monitor.yaml": [taskMonitorTemplate(yamlFile(standalone))],
  "clowder/clowdapp.yaml": [
    clowdAppTemplate({ collector, migrate: sourceOf("scripts/migrate.sh") }),
  ],
  "clowder/jobs.yaml": [invocationsTemplate()],
  "autoscaler.yaml": [autoscaler],
  "log-exports.yaml": [cronTemplate(sourceOf("scripts/export-logs.sh"))],
  "vpn-proxy.yaml": [vpnProxyTemplate(proxyFiles)],
  "alerts.yaml": [prometheusRule],
  "kubernetes/kustomization.yaml": [kustomization],
  "kubernetes/environment.yaml": [environment],
  "kubernetes/connections.example.yaml": [connections],
  "kubernetes/jobs.yaml": jobObjects,
  "kubernetes/pod-monitor.yaml": [podMonitor],
  "compose/compose.yaml": [compose],
};

for (const [path, documents] of Object.entries(files)) {
  await keepFile(`deploy/${path}`, yamlFile(...documents));
}
for (const role of roles) {
  await keepFile(`deploy/kubernetes/${role.name}.yaml`, yamlFile(...objectsOf(role)));
}
for (const dashboard of [pulpMetrics, aipccMetrics, trustedLibraries]) {
  const map = yamlFile(dashboardMap(dashboard));
  await keepFile(`deploy/dashboards/${dashboard.uid}.configmap.yaml`, map);
}
