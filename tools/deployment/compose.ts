import { variables } from "./environment.ts";
import { PORT } from "./roles.ts";

const IMAGE = "deckle:latest";

/** A variable of `.env`, with what stands for it. */
const either = (name: string, other: string): string => `\${${name}:-${other}}`;
const demanded = (name: string): string => `\${${name}:?set it in .env}`;

const ORIGIN = either("ORIGIN", "http://localhost:8080");

/** Differs from a cluster: files are on a volume, and nothing collects measurements. */
const own: Readonly<Record<string, string | undefined>> = {
  PULP_STORAGES__default__BACKEND: undefined,
  PULP_STORAGES__default__OPTIONS__default_acl: undefined,
  PULP_STORAGES__default__OPTIONS__signature_version: undefined,
  PULP_STORAGES__default__OPTIONS__addressing_style: undefined,
  PULP_MEDIA_ROOT: "/var/lib/pulp/media",
  PULP_DATABASES__default__HOST: "postgres",
  PULP_DATABASES__default__NAME: "pulp",
  PULP_DATABASES__default__USER: "pulp",
  // A password of digits is a text, too.
  PULP_DATABASES__default__PASSWORD: `@str ${demanded("POSTGRES_PASSWORD")}`,
  PULP_REDIS_HOST: "redis",
  PULP_CONTENT_ORIGIN: ORIGIN,
  PULP_PYPI_API_HOSTNAME: ORIGIN,
  PULP_CLAMAV_HOST: either("CLAMAV_HOST", ""),
  PULP_CLAMAV_PORT: "3310",
  PULP_OTEL_ENABLED: "false",
  PULP_PROMETHEUS_PORT: "9000",
  // Only the proxy takes connections, and it speaks of the scheme that it was asked with.
  ENV_NAME: "compose",
};

const environment = Object.fromEntries(
  Object.entries({
    ...Object.fromEntries(
      variables.map(({ name, value }) => [name, value.replaceAll("$", "$$$$")]),
    ),
    ...own,
  }).filter(([, value]) => value !== undefined),
);

const volumes = ["config:/etc/pulp", "media:/var/lib/pulp/media"];

const server = (command: readonly string[], more: object = {}) => ({
  image: IMAGE,
  environment: { ...environment },
  volumes,
  command,
  restart: "unless-stopped",
  depends_on: {
    migrate: { condition: "service_completed_successfully" },
    redis: { condition: "service_started" },
  },
  ...more,
});

const answers = (path: string) => ({
  healthcheck: {
    test: [
      "CMD",
      "node",
      "-e",
      `fetch("http://127.0.0.1:${PORT}${path}").then(({ ok }) => process.exit(ok ? 0 : 1))`,
    ],
    interval: "15s",
    start_period: "60s",
  },
});

const MIGRATE = [
  "pulpcore-manager wait_on_postgres",
  "pulpcore-manager migrate --noinput",
  'PULP_DEFAULT_ADMIN_PASSWORD="$$(cat /etc/pulp/pulp-admin-password)" pulpcore-manager set_init_password',
].join(" && ");

/** Everything on one machine (service §21). */
export const compose = {
  name: "deckle",
  services: {
    postgres: {
      image: "docker.io/library/postgres:16",
      environment: {
        POSTGRES_DB: "pulp",
        POSTGRES_USER: "pulp",
        POSTGRES_PASSWORD: demanded("POSTGRES_PASSWORD"),
      },
      volumes: ["database:/var/lib/postgresql/data"],
      restart: "unless-stopped",
      stop_grace_period: "60s",
    },
    redis: {
      image: "docker.io/valkey/valkey:8",
      command: ["valkey-server", "--save", "", "--appendonly", "no"],
      restart: "unless-stopped",
    },
    settings: {
      image: IMAGE,
      build: { context: "../..", dockerfile: "deploy/image/Containerfile" },
      command: ["pulpcore-manager", "create-settings-and-ingress", "--folder", "/etc/pulp"],
      volumes: ["config:/etc/pulp"],
      restart: "no",
    },
    migrate: {
      image: IMAGE,
      environment: { ...environment },
      volumes,
      command: ["bash", "-c", MIGRATE],
      restart: "no",
      depends_on: {
        settings: { condition: "service_completed_successfully" },
        postgres: { condition: "service_started" },
      },
    },
    api: server(["pulp-api", "-b", `0.0.0.0:${PORT}`, "--access-logfile", "-"], {
      ...answers("/api/pulp/api/v3/livez/"),
      stop_grace_period: "120s",
    }),
    content: server(["pulp-content", "-b", `0.0.0.0:${PORT}`, "--access-logfile", "-"], {
      ...answers("/api/pulp-content/default/"),
      stop_grace_period: "330s",
    }),
    worker: server(["pulp-worker"], { stop_grace_period: "3660s" }),
    clamav: {
      image: "docker.io/clamav/clamav:1.5.1",
      profiles: ["scan"],
      environment: {
        CLAMD_CONF_StreamMaxLength: "2G",
        CLAMD_CONF_MaxFileSize: "2G",
        CLAMD_CONF_MaxScanSize: "2G",
      },
      volumes: ["signatures:/var/lib/clamav"],
      restart: "unless-stopped",
    },
    proxy: {
      image: "docker.io/library/nginx:1.28",
      ports: [`${either("PORT", "8080")}:8080`],
      volumes: ["./nginx.conf:/etc/nginx/nginx.conf:ro"],
      restart: "unless-stopped",
      depends_on: {
        api: { condition: "service_healthy" },
        content: { condition: "service_healthy" },
      },
    },
  },
  volumes: { config: {}, media: {}, database: {}, signatures: {} },
};
