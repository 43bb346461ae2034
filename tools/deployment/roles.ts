/** What runs as a deployment, whichever way it is described (service §21). */
export interface Role {
  readonly name: "api" | "content" | "worker" | "worker-auxiliary" | "clamav" | "migrate-db";
  readonly command: readonly string[];
  readonly args: readonly string[];
  /** Parameter with the number of pods. */
  readonly replicas: string;
  readonly resources: Resources;
  readonly readiness: Probe;
  readonly liveness?: Probe;
  /** Seconds from the signal to the end. */
  readonly grace?: number;
  /** Commands that end before it starts. */
  readonly waits: readonly string[];
  /** `auto` may be switched off. */
  readonly collector: "yes" | "auto" | "no";
  readonly web: "public" | "private" | "none";
  /** Paths from the outside that lead to it. */
  readonly apiPaths: readonly string[];
  /** Whether it runs our image, with our variables. */
  readonly isOurs: boolean;
  readonly mounts: readonly Mount[];
}

export interface Resources {
  readonly requests: { readonly cpu: string; readonly memory: string };
  readonly limits: { readonly cpu: string; readonly memory: string };
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: number };
  readonly exec?: { readonly command: readonly string[] };
  readonly initialDelaySeconds: number;
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold?: number;
}

export interface Mount {
  readonly volume: string;
  readonly source: { readonly secret: string } | { readonly configMap: string };
  readonly isOptional?: boolean;
  readonly mountPath: string;
  readonly subPath?: string;
}

/** Port of both servers, and of the collector's page. */
export const PORT = 8000;
export const METRICS_PORT = 9000;

const seconds = (initialDelaySeconds: number, periodSeconds: number, timeoutSeconds: number) => ({
  ...{ initialDelaySeconds, periodSeconds, timeoutSeconds },
});
const get = (path: string) => ({ httpGet: { path, port: PORT } });
const run = (...command: readonly string[]) => ({ exec: { command } });
const size = (cpu: string, memory: string) => ({ cpu, memory });

const API_PROBE = get("/api/pulp/api/v3/livez/");
const CONTENT_PROBE = get("/api/pulp-content/default/");

export const keys: Mount = {
  volume: "pulp-db-fields-encryption",
  source: { secret: "pulp-db-fields-encryption" },
  mountPath: "/etc/pulp/keys",
};
export const settings: Mount = {
  volume: "pulp-settings",
  source: { secret: "pulp-settings" },
  mountPath: "/etc/pulp/settings.py",
  subPath: "settings.py",
};
const certificates: Mount = {
  volume: "subscription-api-cert",
  source: { secret: "subscription-api-cert" },
  isOptional: true,
  mountPath: "/etc/pulp/certs",
};
const script: Mount = {
  volume: "pulp-scripts",
  source: { configMap: "pulp-scripts" },
  mountPath: "/tmp/migrate.sh",
  subPath: "migrate.sh",
};

const WAIT_FOR_MIGRATIONS = "wait_on_database_migrations";
const MANAGER = "pulpcore-manager";

const serverArgs = (role: "API" | "CONTENT", names: readonly string[]): readonly string[] => [
  ...["-b", `0.0.0.0:${PORT}`, "--access-logfile", "-"],
  ...names.flatMap((name) => [`--${name}`, `$(PULP_${role}_GUNICORN_${constant(name)})`]),
];
const constant = (name: string): string => name.toUpperCase().replaceAll("-", "_");

const recycled = ["workers", "timeout", "max-requests", "max-requests-jitter"];

const api: Role = {
  name: "api",
  command: ["pulpcore-api"],
  args: serverArgs("API", recycled),
  replicas: "PULP_API_REPLICAS",
  resources: { requests: size("500m", "256Mi"), limits: size("1000m", "512Mi") },
  readiness: { ...API_PROBE, ...seconds(5, 60, 60) },
  liveness: { ...API_PROBE, ...seconds(10, 120, 120) },
  grace: 120,
  waits: [WAIT_FOR_MIGRATIONS],
  collector: "yes",
  web: "public",
  apiPaths: ["/api/pulp/", "/api/pypi/", "/api/pulp-mgmt/"],
  isOurs: true,
  mounts: [keys, settings, certificates],
};

const content: Role = {
  ...api,
  name: "content",
  command: ["pulpcore-content"],
  args: serverArgs("CONTENT", [...recycled, "graceful-timeout"]),
  replicas: "PULP_CONTENT_REPLICAS",
  resources: { requests: size("250m", "256Mi"), limits: size("500m", "512Mi") },
  readiness: { ...CONTENT_PROBE, ...seconds(60, 60, 60) },
  liveness: { ...CONTENT_PROBE, ...seconds(60, 120, 120) },
  // Longer than downloads may take to end, which is 300 s.
  grace: 330,
  apiPaths: ["/api/pulp-content/"],
};

const worker: Role = {
  ...api,
  name: "worker",
  command: ["pulpcore-worker"],
  args: [],
  replicas: "PULP_WORKER_REPLICAS",
  resources: { requests: size("250m", "1024Mi"), limits: size("500m", "2048Mi") },
  readiness: { ...run("/bin/true"), ...seconds(10, 25, 20), failureThreshold: 5 },
  // A task may end within an hour of the signal.
  grace: 3660,
  collector: "auto",
  web: "none",
  apiPaths: [],
  mounts: [keys, settings],
};

const auxiliary: Role = {
  ...worker,
  name: "worker-auxiliary",
  args: ["--auxiliary"],
  replicas: "PULP_WORKER_AUXILIARY_REPLICAS",
  collector: "yes",
};

const PING: Probe = { ...run("clamdscan", "--ping", "1"), ...seconds(20, 25, 20) };

const clamav: Role = {
  name: "clamav",
  command: ["/bin/sh", "-c"],
  args: ["/init-unprivileged"],
  replicas: "CLAMAV_REPLICAS",
  resources: { requests: size("1", "3Gi"), limits: size("2", "4Gi") },
  readiness: { ...PING, failureThreshold: 5 },
  liveness: { ...PING, failureThreshold: 5 },
  waits: [],
  collector: "no",
  web: "private",
  apiPaths: [],
  isOurs: false,
  mounts: [],
};

const migration: Role = {
  name: "migrate-db",
  command: ["bash", "-x", "/tmp/migrate.sh"],
  args: [],
  replicas: "PULP_MIGRATION_REPLICAS",
  resources: { requests: size("150m", "512Mi"), limits: size("300m", "1024Mi") },
  readiness: { ...run("stat", "/tmp/migrated"), ...seconds(2, 2, 10) },
  waits: ["wait_on_postgres"],
  collector: "no",
  web: "none",
  apiPaths: [],
  isOurs: true,
  mounts: [keys, settings, script],
};

/** Every deployment, in the order in which they are described. */
export const roles: readonly Role[] = [api, content, worker, auxiliary, clamav, migration];

/** Without liveness probes: a worker that hangs is noticed by the others. */
export const probesOf = ({ readiness, liveness }: Role) => ({
  readinessProbe: readiness,
  ...(liveness ? { livenessProbe: liveness } : {}),
});

/** One-shot work of operators: its command, and the secrets that it reads. */
export interface Job {
  readonly name: string;
  readonly args: readonly string[];
  readonly secrets: readonly JobSecret[];
  /** Plain variables, besides those of the servers. */
  readonly parameters: readonly string[];
  /** Works before anything else does, without the secrets of the servers. */
  readonly isFirst?: boolean;
}

interface JobSecret {
  readonly name: string;
  readonly secret: string;
  readonly key: string;
}

const password = (name: string, secret: string): JobSecret => ({ name, secret, key: "password" });

export const jobCommand: readonly string[] = [MANAGER];

export const jobs: readonly Job[] = [
  {
    name: "create-settings-and-ingress",
    args: ["create-settings-and-ingress"],
    secrets: [],
    parameters: [],
    isFirst: true,
  },
  {
    name: "reset-admin-password",
    args: ["reset-admin-password"],
    secrets: [password("PULP_ADMIN_PASSWORD", "pulp-admin-password")],
    parameters: [],
  },
  {
    name: "create-contentsources-user",
    args: ["create-contentsources-user"],
    secrets: [password("CONTENT_SOURCES_PASSWORD", "pulp-content-sources-password")],
    parameters: [],
  },
  {
    name: "add-new-pulp-admin-users-3",
    args: ["add-new-pulp-admin-users-3"],
    secrets: [],
    parameters: ["PULP_ADMIN_USERS"],
  },
];
