import { configMap } from "./clowdapp.ts";
import { METRICS_PORT } from "./roles.ts";
import { parameter, template } from "./yaml.ts";

const OTLP_PORT = 4318;
const labels = { app: "pulp", component: "task-monitor-collector" };
const probe = { httpGet: { path: "/", port: 13_133 }, periodSeconds: 10, timeoutSeconds: 4 };

const parameters = [
  {
    name: "COLLECTOR_IMAGE",
    value:
      "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-contrib:0.161.0",
    about: "Image of the collector",
  },
];

/** A collector of its own, for what looks at tasks from outside (service §20). */
export const taskMonitorTemplate = (collector: string): object =>
  template("pulp-task-monitor-collector", parameters, [
    configMap("pulp-task-monitor-otel-config", { "config.yaml": collector }),
    {
      ...{ apiVersion: "apps/v1", kind: "Deployment" },
      metadata: { name: "pulp-task-monitor-collector", labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: pod },
      },
    },
    {
      ...{ apiVersion: "v1", kind: "Service" },
      metadata: { name: "pulp-task-monitor-collector", labels },
      spec: {
        selector: labels,
        ports: [
          { name: "otlp", port: OTLP_PORT, targetPort: OTLP_PORT },
          { name: "metrics", port: METRICS_PORT, targetPort: METRICS_PORT },
        ],
      },
    },
  ]);

const pod = {
  automountServiceAccountToken: false,
  containers: [
    {
      name: "collector",
      image: parameter("COLLECTOR_IMAGE"),
      args: ["--config", "/conf/config.yaml"],
      ports: [
        { name: "otlp", containerPort: OTLP_PORT },
        { name: "metrics", containerPort: METRICS_PORT },
      ],
      readinessProbe: probe,
      livenessProbe: probe,
      resources: {
        requests: { cpu: "250m", memory: "256Mi" },
        limits: { cpu: "500m", memory: "384Mi" },
      },
      volumeMounts: [{ name: "config", mountPath: "/conf", readOnly: true }],
    },
  ],
  volumes: [{ name: "config", configMap: { name: "pulp-task-monitor-otel-config" } }],
};
