import { configMap } from "./clowdapp.ts";
import { secretVariables, variables } from "./environment.ts";
import {
  type Job,
  jobCommand,
  jobs,
  keys,
  METRICS_PORT,
  type Mount,
  PORT,
  probesOf,
  type Role,
  roles,
  settings,
} from "./roles.ts";

const IMAGE = "deckle:latest";
const CLAMAV_IMAGE = "docker.io/clamav/clamav:1.5.1";
const CLAMD_PORT = 10_000;

/** Where there is no Clowder, each process has a page of its own instead of a collector. */
const own: Readonly<Record<string, string>> = {
  PULP_OTEL_ENABLED: "false",
  PULP_PROMETHEUS_PORT: String(METRICS_PORT),
  PULP_ADMIN_USERS: "[]",
};

/** Every variable of our processes, once. */
export const environment = configMap("pulp-environment", {
  ...Object.fromEntries(variables.map(({ name, value }) => [name, value])),
  ...own,
});

const labelsOf = (name: string) => ({ app: "pulp", component: name });

const restricted = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

const podSecurity = { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } };

/** What a process of ours writes to: temporary files, which end with the pod. */
const scratch = [
  { name: "tmp", mountPath: "/tmp" },
  { name: "work", mountPath: "/var/lib/pulp/tmp" },
];

const envFrom = [
  { configMapRef: { name: "pulp-environment" } },
  { secretRef: { name: "pulp-connections" } },
];

const secretEnv = secretVariables.map(({ name, secret, key, isOptional }) => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key, optional: isOptional } },
}));

const volumeOf = ({ volume, source, isOptional = false }: Mount) =>
  "secret" in source
    ? { name: volume, secret: { secretName: source.secret, optional: isOptional } }
    : { name: volume, configMap: { name: source.configMap } };

const mountOf = ({ volume, mountPath, subPath }: Mount) => ({
  ...{ name: volume, mountPath, readOnly: true },
  ...(subPath ? { subPath } : {}),
});

const volumes = (mounts: readonly Mount[]) => [
  ...mounts.map(volumeOf),
  ...scratch.map(({ name }) => ({ name, emptyDir: {} })),
];

const ours = (mounts: readonly Mount[], env: readonly object[] = []) => ({
  image: IMAGE,
  envFrom,
  env: [...secretEnv, ...env],
  volumeMounts: [...mounts.map(mountOf), ...scratch],
  securityContext: restricted,
});

const waitOf = (name: string, mounts: readonly Mount[]) => ({
  name: name.replaceAll("_", "-").replace("database-", ""),
  command: jobCommand,
  args: [name],
  ...ours(mounts),
});

const portsOf = ({ web }: Role) => [
  ...(web === "public" ? [{ name: "web", containerPort: PORT }] : []),
  { name: "metrics", containerPort: METRICS_PORT },
];

const podOf = (role: Role) => ({
  // Variables about services look like settings of ours.
  enableServiceLinks: false,
  automountServiceAccountToken: false,
  securityContext: podSecurity,
  ...(role.grace === undefined ? {} : { terminationGracePeriodSeconds: role.grace }),
  initContainers: role.waits.map((name) => waitOf(name, role.mounts)),
  containers: [
    {
      name: `pulp-${role.name}`,
      command: role.command,
      ...(role.args.length > 0 ? { args: role.args } : {}),
      ports: portsOf(role),
      resources: role.resources,
      ...probesOf(role),
      ...ours(role.mounts),
    },
  ],
  volumes: volumes(role.mounts),
});

/** The number of pods is the seed's; the autoscaler or `kubectl scale` changes it. */
const REPLICAS: Readonly<Record<string, number>> = { worker: 2 };

const deployment = (role: Role, pod: object) => ({
  ...{ apiVersion: "apps/v1", kind: "Deployment" },
  metadata: { name: `pulp-${role.name}`, labels: labelsOf(role.name) },
  spec: {
    replicas: REPLICAS[role.name] ?? 1,
    selector: { matchLabels: labelsOf(role.name) },
    template: { metadata: { labels: labelsOf(role.name) }, spec: pod },
  },
});

const service = (role: Role, port: number) => ({
  ...{ apiVersion: "v1", kind: "Service" },
  metadata: { name: `pulp-${role.name}`, labels: labelsOf(role.name) },
  spec: { selector: labelsOf(role.name), ports: [{ name: "web", port, targetPort: port }] },
});

/** One pod may be away at a time, so that a drained node takes no service with it. */
const disruptionBudget = ({ name }: Role) => ({
  ...{ apiVersion: "policy/v1", kind: "PodDisruptionBudget" },
  metadata: { name: `pulp-${name}`, labels: labelsOf(name) },
  spec: { maxUnavailable: 1, selector: { matchLabels: labelsOf(name) } },
});

const scanner = (role: Role) => ({
  enableServiceLinks: false,
  automountServiceAccountToken: false,
  containers: [
    {
      name: `pulp-${role.name}`,
      image: CLAMAV_IMAGE,
      command: role.command,
      args: role.args,
      env: [
        { name: "CLAMD_CONF_TCPSocket", value: String(CLAMD_PORT) },
        ...["StreamMaxLength", "MaxFileSize", "MaxScanSize"].map((name) => ({
          ...{ name: `CLAMD_CONF_${name}`, value: "2G" },
        })),
      ],
      ports: [{ name: "clamd", containerPort: CLAMD_PORT }],
      resources: role.resources,
      ...probesOf(role),
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      volumeMounts: [{ name: "signatures", mountPath: "/var/lib/clamav" }],
    },
  ],
  volumes: [{ name: "signatures", emptyDir: {} }],
});

/** Where no deployment has to stay, migrations are a job. */
const migration = (role: Role) => ({
  ...{ apiVersion: "batch/v1", kind: "Job" },
  metadata: { name: "pulp-migrate", labels: labelsOf(role.name) },
  spec: {
    backoffLimit: 3,
    ttlSecondsAfterFinished: 86_400,
    template: {
      metadata: { labels: labelsOf(role.name) },
      spec: {
        ...podOf({ ...role, mounts: [keys, settings] }),
        restartPolicy: "Never",
        containers: [
          {
            name: "pulp-migrate",
            command: jobCommand,
            args: ["migrate", "--noinput"],
            resources: role.resources,
            ...ours([keys, settings]),
          },
        ],
      },
    },
  },
});

/** The objects of a role. */
export function objectsOf(role: Role): readonly object[] {
  if (role.name === "migrate-db") return [migration(role)];
  if (role.name === "clamav") return [deployment(role, scanner(role)), service(role, CLAMD_PORT)];
  const isPublic = role.web === "public";
  return [
    deployment(role, podOf(role)),
    ...(isPublic ? [service(role, PORT), disruptionBudget(role)] : []),
  ];
}

const secretOf = ({ name, secret, key }: Job["secrets"][number]) => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});

/** The jobs of operators but the first one, whose work `--print` does from outside. */
export const jobObjects: readonly object[] = jobs
  .filter(({ isFirst }) => !isFirst)
  .map(({ name, args, secrets }) => ({
    ...{ apiVersion: "batch/v1", kind: "Job" },
    metadata: { generateName: `${name}-`, labels: labelsOf("job") },
    spec: {
      backoffLimit: 1,
      ttlSecondsAfterFinished: 86_400,
      template: {
        metadata: { labels: labelsOf("job") },
        spec: {
          enableServiceLinks: false,
          automountServiceAccountToken: false,
          securityContext: podSecurity,
          restartPolicy: "Never",
          containers: [
            { name, command: jobCommand, args, ...ours([keys, settings], secrets.map(secretOf)) },
          ],
          volumes: volumes([keys, settings]),
        },
      },
    },
  }));

/** Lets an operator of Prometheus find every process. */
export const podMonitor = {
  ...{ apiVersion: "monitoring.coreos.com/v1", kind: "PodMonitor" },
  metadata: { name: "pulp", labels: { app: "pulp" } },
  spec: {
    selector: { matchLabels: { app: "pulp" } },
    podMetricsEndpoints: [{ port: "metrics", path: "/metrics", interval: "15s" }],
  },
};

/** Names the files of the folder. */
export const kustomization = {
  ...{ apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization" },
  resources: ["environment.yaml", ...roles.map(({ name }) => `${name}.yaml`)],
  images: [{ name: "deckle", newName: "deckle", newTag: "latest" }],
};

/** To be filled in: where database, Redis and bucket are. */
export const connections = {
  ...{ apiVersion: "v1", kind: "Secret", type: "Opaque" },
  metadata: { name: "pulp-connections" },
  stringData: {
    PULP_DATABASES__default__HOST: "postgres.example",
    PULP_DATABASES__default__NAME: "pulp",
    PULP_DATABASES__default__USER: "pulp",
    PULP_DATABASES__default__PASSWORD: "@str …",
    PULP_REDIS_HOST: "redis.example",
    PULP_STORAGES__default__OPTIONS__bucket_name: "pulp-default-domain-s3",
    PULP_STORAGES__default__OPTIONS__endpoint_url: "https://s3.example",
    PULP_STORAGES__default__OPTIONS__access_key: "@str …",
    PULP_STORAGES__default__OPTIONS__secret_key: "@str …",
  },
};
