import { secretVariables, templateParameters, variables } from "./environment.ts";
import { type Job, jobCommand, jobs, type Mount, probesOf, type Role, roles } from "./roles.ts";
import { parameter, rawParameter, template } from "./yaml.ts";

const APP = "pulp";

const parameterised = variables.map(({ name }) => ({ name, value: parameter(name) }));
const fromSecrets = secretVariables.map(({ name, secret, key, isOptional }) => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key, optional: isOptional } },
}));

/** Every variable of our processes. */
const environment = [...parameterised, ...fromSecrets];

const volumeOf = ({ volume, source, isOptional = false }: Mount) =>
  "secret" in source
    ? { name: volume, secret: { secretName: source.secret, optional: isOptional } }
    : { name: volume, configMap: { name: source.configMap } };

const mountOf = ({ volume, mountPath, subPath }: Mount) => ({
  ...{ name: volume, mountPath, readOnly: true },
  ...(subPath ? { subPath } : {}),
});

const mountsOf = (mounts: readonly Mount[]) =>
  mounts.length > 0 ? { volumes: mounts.map(volumeOf), volumeMounts: mounts.map(mountOf) } : {};

const ourImage = parameter("IMAGE").concat(":", parameter("IMAGE_TAG"));

function podSpec(role: Role): object {
  return {
    image: role.isOurs ? ourImage : parameter("CLAMAV_IMAGE"),
    command: role.command,
    ...(role.args.length > 0 ? { args: role.args } : {}),
    ...(role.waits.length > 0 ? { initContainers: role.waits.map(waitOf) } : {}),
    env: role.isOurs ? environment : clamavEnvironment,
    resources: role.resources,
    ...probesOf(role),
    ...mountsOf(role.mounts),
    ...(role.grace === undefined ? {} : { terminationGracePeriodSeconds: role.grace }),
    ...(role.collector === "no" ? {} : { sidecars: [collectorOf(role)] }),
  };
}

const waitOf = (name: string) => ({
  name: name.replaceAll("_", "-").replace("database-", ""),
  command: jobCommand,
  args: [name],
  inheritEnv: true,
});

const collectorOf = ({ collector }: Role) => ({
  name: "otel-collector",
  enabled: collector === "yes" ? true : rawParameter("WORKER_COLLECTOR_ENABLED"),
  configMap: "pulp-otel-config",
  memoryRequest: "256Mi",
  memoryLimit: "384Mi",
});

/** Names of the image's own: each becomes a line of the scanner's configuration. */
const clamavEnvironment = [
  { name: "CLAMAV_NO_FRESHCLAMD", value: "false" },
  { name: "CLAMD_CONF_TCPSocket", value: "10000" },
  { name: "CLAMD_CONF_StreamMaxLength", value: "2G" },
  { name: "CLAMD_CONF_MaxFileSize", value: "2G" },
  { name: "CLAMD_CONF_MaxScanSize", value: "2G" },
];

const deployment = (role: Role) => ({
  name: role.name,
  replicas: rawParameter(role.replicas),
  ...(role.web === "none" ? {} : { webServices: webOf(role) }),
  podSpec: podSpec(role),
});

const webOf = ({ web, apiPaths }: Role) =>
  web === "public" ? { public: { enabled: true, apiPaths } } : { private: { enabled: true } };

const secretOf = ({ name, secret, key }: Job["secrets"][number]) => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});

const job = ({ name, args, secrets, parameters, isFirst }: Job) => ({
  name,
  restartPolicy: "Never",
  podSpec: {
    image: ourImage,
    command: jobCommand,
    args,
    env: [
      ...environment,
      ...secrets.map(secretOf),
      ...parameters.map((own) => ({ name: own, value: parameter(own) })),
    ],
    resources: MANAGER_RESOURCES,
    ...(isFirst ? {} : mountsOf(roles[2]?.mounts ?? [])),
  },
});

const MANAGER_RESOURCES = {
  requests: { cpu: "150m", memory: "256Mi" },
  limits: { cpu: "300m", memory: "512Mi" },
};

const clowdApp = {
  ...{ apiVersion: "cloud.redhat.com/v1alpha1", kind: "ClowdApp", metadata: { name: APP } },
  spec: {
    envName: parameter("ENV_NAME"),
    database: { name: APP, version: rawParameter("DATABASE_VERSION") },
    inMemoryDb: true,
    objectStore: ["pulp-default-domain-s3"],
    deployments: roles.map(deployment),
    jobs: jobs.map(job),
  },
};

/** Lets the job that comes first make secrets and routes; nobody may read them by it. */
const access = [
  {
    ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role" },
    metadata: { name: "pulp-settings-maker" },
    rules: [
      { apiGroups: [""], resources: ["secrets"], verbs: ["create"] },
      {
        apiGroups: ["route.openshift.io"],
        resources: ["routes", "routes/custom-host"],
        verbs: ["create"],
      },
    ],
  },
  {
    ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding" },
    metadata: { name: "pulp-settings-maker" },
    roleRef: {
      ...{ apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "pulp-settings-maker" },
    },
    subjects: [{ kind: "ServiceAccount", name: parameter("SERVICE_ACCOUNT") }],
  },
];

const required = ["IMAGE", "ENV_NAME", "PULP_CONTENT_ORIGIN", "PULP_PYPI_API_HOSTNAME"];

/** Parameters: those that differ between any two installations have no value. */
const parameters = [
  { name: "IMAGE", about: "Image of the servers" },
  ...[...variables, ...templateParameters].map(({ name, value, about }) =>
    required.includes(name) ? { name, about } : { name, value, about },
  ),
  { name: "PULP_ADMIN_USERS", value: "[]", about: "Names that a job makes superusers" },
  { name: "SERVICE_ACCOUNT", value: "pulp-app", about: "Account that Clowder runs jobs with" },
];

/**
 * The template of the hosted service (service §21).
 *
 * @param files texts of ConfigMaps by their names in it
 */
export const clowdAppTemplate = (files: {
  readonly collector: string;
  readonly migrate: string;
}): object =>
  template(APP, parameters, [
    clowdApp,
    configMap("pulp-otel-config", { "config.yaml": files.collector }),
    configMap("pulp-scripts", { "migrate.sh": files.migrate }),
    ...access,
  ]);

export const configMap = (name: string, data: Readonly<Record<string, string>>) => ({
  ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { app: APP } }, data },
});

/** One-shot invocations of the jobs; another `RUN` makes new ones. */
export const invocationsTemplate = (): object =>
  template(
    "pulp-jobs",
    [{ name: "RUN", value: "1", about: "Part of the names: a name runs once" }],
    jobs.map(({ name, isFirst = false }) => ({
      ...{ apiVersion: "cloud.redhat.com/v1alpha1", kind: "ClowdJobInvocation" },
      metadata: { name: `${name}-${parameter("RUN")}` },
      spec: { appName: APP, jobs: [name], ...(isFirst ? { runOnNotReady: true } : {}) },
    })),
  );
