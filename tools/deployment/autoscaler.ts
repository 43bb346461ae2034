import { parameter, rawParameter, template } from "./yaml.ts";

/** Every worker tells what waits; the last word is that of the process that measured last. */
const QUERY =
  "clamp_min(pulp_waiting_tasks and on(pod) topk(1, max(timestamp(pulp_waiting_tasks)) by (pod)), 0)";

const parameters = [
  { name: "TARGET", value: "pulp-worker-auxiliary", about: "Deployment that is scaled" },
  { name: "PULP_WORKER_MIN_REPLICA_COUNT", value: "1", about: "Fewest pods" },
  { name: "PULP_WORKER_MAX_REPLICA_COUNT", value: "20", about: "Most pods" },
  { name: "PROMETHEUS_URL", about: "Address of the Prometheus that reads the workers" },
];

/** Starts workers while tasks wait (service §21). */
export const autoscaler = template("pulp-autoscaler", parameters, [
  {
    ...{ apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject" },
    metadata: { name: "pulp-workers", labels: { app: "pulp" } },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: parameter("TARGET") },
      minReplicaCount: rawParameter("PULP_WORKER_MIN_REPLICA_COUNT"),
      maxReplicaCount: rawParameter("PULP_WORKER_MAX_REPLICA_COUNT"),
      pollingInterval: 10,
      triggers: [
        {
          type: "prometheus",
          metricType: "Value",
          metadata: { serverAddress: parameter("PROMETHEUS_URL"), query: QUERY, threshold: "1" },
        },
      ],
      advanced: {
        horizontalPodAutoscalerConfig: {
          behavior: {
            scaleUp: { policies: [{ type: "Pods", value: 5, periodSeconds: 30 }] },
            scaleDown: {
              stabilizationWindowSeconds: 300,
              policies: [{ type: "Pods", value: 2, periodSeconds: 60 }],
            },
          },
        },
      },
    },
  },
]);
