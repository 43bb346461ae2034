import { configMap } from "./clowdapp.ts";
import { parameter, template } from "./yaml.ts";

/** Minutes of the hour, so that exports do not meet. */
const EXPORTS = { access: 15, python: 25, rpm: 35, maven: 45 } as const;

const parameters = [
  { name: "IMAGE", about: "Image of the servers" },
  { name: "IMAGE_TAG", value: "latest", about: "Its tag" },
  { name: "CLUSTER_NAME", value: "", about: "Exports run where it begins with pulp" },
  { name: "CLOUDWATCH_GROUP", value: "", about: "Group of the logs; none exports nothing" },
  { name: "EXPORT_BUCKET", value: "", about: "Bucket of the exports; none exports nothing" },
  { name: "EXPORT_ENDPOINT_URL", value: "", about: "Address of its store; none is AWS" },
  { name: "EXPORT_REGION", value: "us-east-1", about: "Region of the bucket" },
  { name: "AWS_REGION", value: "us-east-1", about: "Region of the logs" },
  { name: "EXPORT_SECRET", value: "pulp-log-export", about: "Secret with AWS_… credentials" },
];

const variables = [
  ...["CLUSTER_NAME", "CLOUDWATCH_GROUP", "EXPORT_BUCKET", "EXPORT_ENDPOINT_URL"],
  ...["EXPORT_REGION", "AWS_REGION"],
];

const cronJob = (kind: string, minute: number) => ({
  ...{ apiVersion: "batch/v1", kind: "CronJob" },
  metadata: { name: `pulp-export-${kind}-logs`, labels: { app: "pulp" } },
  spec: {
    schedule: `${minute} * * * *`,
    concurrencyPolicy: "Forbid",
    startingDeadlineSeconds: 600,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 3,
    jobTemplate: {
      spec: {
        backoffLimit: 1,
        activeDeadlineSeconds: 3300,
        template: { metadata: { labels: { app: "pulp" } }, spec: pod(kind) },
      },
    },
  },
});

const pod = (kind: string) => ({
  restartPolicy: "Never",
  automountServiceAccountToken: false,
  containers: [
    {
      name: "export",
      image: `${parameter("IMAGE")}:${parameter("IMAGE_TAG")}`,
      command: ["bash", "/scripts/export-logs.sh"],
      args: [kind],
      env: variables.map((name) => ({ name, value: parameter(name) })),
      envFrom: [{ secretRef: { name: parameter("EXPORT_SECRET"), optional: true } }],
      resources: {
        requests: { cpu: "100m", memory: "256Mi" },
        limits: { cpu: "500m", memory: "1Gi" },
      },
      volumeMounts: [{ name: "scripts", mountPath: "/scripts", readOnly: true }],
    },
  ],
  volumes: [{ name: "scripts", configMap: { name: "pulp-export-scripts" } }],
});

/** Hourly exports of the logs (service §21). */
export const cronTemplate = (script: string): object =>
  template("pulp-log-exports", parameters, [
    configMap("pulp-export-scripts", { "export-logs.sh": script }),
    ...Object.entries(EXPORTS).map(([kind, minute]) => cronJob(kind, minute)),
  ]);
