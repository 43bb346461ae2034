import { shippedPlugins } from "#app/plugins.ts";
import { serviceSettings } from "#plugins/service/settings.ts";

/** One variable of the servers in a deployment (service §22). */
export interface Variable {
  readonly name: string;
  /** What it is unless the deployment says otherwise. */
  readonly value: string;
  /** What a template's parameter is said to be. */
  readonly about: string;
}

/** A variable whose value is in a secret. */
export interface SecretVariable {
  readonly name: string;
  readonly secret: string;
  readonly key: string;
  /** The pod starts without it. */
  readonly isOptional: boolean;
}

const list = (names: readonly string[]): string =>
  `[${names.map((name) => `'${name}'`).join(", ")}]`;

const AUTHENTICATION = "pulp_service.app.authentication";
const MIDDLEWARE = "pulp_service.app.middleware";

const authenticationClasses = [
  `${AUTHENTICATION}.RHServiceAccountCertAuthentication`,
  `${AUTHENTICATION}.RHSamlAuthentication`,
  "rest_framework.authentication.BasicAuthentication",
  "rest_framework.authentication.SessionAuthentication",
  `${AUTHENTICATION}.RHTermsBasedRegistryAuthentication`,
  `${AUTHENTICATION}.TurnpikeTermsBasedRegistryAuthentication`,
];

/** The outermost first (service §12.1). */
const middleware = [
  "ProfilerMiddleware",
  "TrueClientIPMiddleware",
  "RhEdgeHostMiddleware",
  "RHSamlAuthHeaderMiddleware",
  "RequestPathMiddleware",
  "ActiveConnectionsMetricMiddleware",
].map((name) => `${MIDDLEWARE}.${name}`);

type Row = readonly [name: string, value: string, about: string];

const basics: readonly Row[] = [
  ["DJANGO_SETTINGS_MODULE", "pulpcore.app.settings", "Accepted without effect"],
  ["PULP_SETTINGS", "/etc/pulp/settings.py", "Settings file, of the secret pulp-settings"],
  ["PULP_ENABLED_PLUGINS", list(shippedPlugins.map(({ label }) => label)), "Plugins to load"],
  ["PULP_API_ROOT", "/api/pulp/", "Path of the API"],
  ["PULP_CONTENT_ORIGIN", "http://localhost:8080", "Scheme and host that clients use"],
  ["PULP_CONTENT_PATH_PREFIX", "/api/pulp-content/", "Path of the content app"],
  ["PULP_DOMAIN_ENABLED", "true", "Tenants have domains"],
  [
    "PULP_DB_ENCRYPTION_KEY",
    "/etc/pulp/keys/database_fields.symmetric.key",
    "Key file, of the secret pulp-db-fields-encryption",
  ],
  ["PULP_DEPLOY_ROOT", "/var/lib/pulp", "Folder of temporary files"],
  ["PULP_STATIC_URL", "/api/pulp/assets/", "Path of style sheets"],
  ["PULP_DATA_UPLOAD_MAX_NUMBER_FIELDS", "10000", "Fields of a form"],
  ["PULP_ALLOWED_CONTENT_CHECKSUMS", '["sha224", "sha256", "sha384", "sha512"]', "Digests"],
  ["ENV_NAME", "production", "Name of the environment in error reports"],
];

const stores: readonly Row[] = [
  ["PULP_CACHE_ENABLED", "true", "Whether answers are remembered in Redis"],
  ["PULP_REDIS_PORT", "6379", "Port of Redis"],
  [
    "PULP_STORAGES__default__BACKEND",
    "pulp_service.app.storage.AIPCCStorageBackend",
    "Class of the store",
  ],
  ["PULP_STORAGES__default__OPTIONS__default_acl", "@none", "ACL of new objects"],
  ["PULP_STORAGES__default__OPTIONS__signature_version", "s3v4", "Kind of signatures"],
  ["PULP_STORAGES__default__OPTIONS__addressing_style", "path", "Where the bucket is named"],
  ["PULP_MEDIA_ROOT", "", "Local store; none with S3"],
];

const processes: readonly Row[] = [
  ["PULP_API_GUNICORN_WORKERS", "1", "Processes of a pod"],
  ["PULP_API_GUNICORN_TIMEOUT", "1800", "Longest request, in seconds"],
  ["PULP_API_GUNICORN_MAX_REQUESTS", "2500", "Requests after which a process is replaced"],
  ["PULP_API_GUNICORN_MAX_REQUESTS_JITTER", "500", "Up to so many more"],
  ["PULP_CONTENT_GUNICORN_WORKERS", "2", "Processes of a pod"],
  ["PULP_CONTENT_GUNICORN_TIMEOUT", "90", "Silence after which a process is replaced"],
  ["PULP_CONTENT_GUNICORN_GRACEFUL_TIMEOUT", "300", "How long downloads may end, in seconds"],
  ["PULP_CONTENT_GUNICORN_MAX_REQUESTS", "5000", "Requests after which a process is replaced"],
  ["PULP_CONTENT_GUNICORN_MAX_REQUESTS_JITTER", "500", "Up to so many more"],
  ["GUNICORN_CMD_ARGS", "", "Flags of both servers"],
  ["PULP_API_APP_TTL", "120", "Seconds without a beat after which an API process is gone"],
  ["PULP_UVLOOP_ENABLED", "false", "Accepted without effect"],
  ["PULP_ACCESS_LOG_TEMPLATE", "service", "Lines that the dashboards read"],
];

const access: readonly Row[] = [
  [
    "PULP_AUTHENTICATION_BACKENDS",
    "@merge ['django.contrib.auth.backends.RemoteUserBackend']",
    "Where users come from",
  ],
  [
    "PULP_REST_FRAMEWORK__DEFAULT_AUTHENTICATION_CLASSES",
    list(authenticationClasses),
    "How users are recognised, in this order",
  ],
  [
    "PULP_REST_FRAMEWORK__DEFAULT_PERMISSION_CLASSES",
    list(["pulp_service.app.authorization.DomainBasedPermission"]),
    "What decides over requests",
  ],
  ["PULP_AUTHENTICATION_JSON_HEADER", "HTTP_X_RH_IDENTITY", "Header of the identity"],
  ["PULP_AUTHENTICATION_JSON_HEADER_JQ_FILTER", ".identity.user.username", "The name in it"],
  ["PULP_AUTHENTICATION_HEADER_DEBUG", "false", "Whether the header is shown in logs"],
  ["PULP_TOKEN_AUTH_DISABLED", "true", "No tokens of the registry"],
  ["PULP_USE_X_FORWARDED_HOST", "true", "Links carry the host that the gateway tells"],
  [
    "PULP_SECURE_PROXY_SSL_HEADER",
    list(["HTTP_X_FORWARDED_PROTO", "https"]),
    "Header that tells https",
  ],
  ["PULP_CSRF_TRUSTED_ORIGINS", "[]", "Origins of pages that may use sessions"],
  ["PULP_MIDDLEWARE", list(middleware), "Hooks around requests"],
  ["PULP_ADMIN_READONLY_GROUP", "admin-readonly", "Group that reads what administrators read"],
  [
    "PULP_DOMAIN_ACCESS_POLICIES",
    `@json ${JSON.stringify(serviceSettings.DOMAIN_ACCESS_POLICIES.default)}`,
    "Domains that are open to readers",
  ],
];

const tasks: readonly Row[] = [
  ["PULP_WORKER_TYPE", "redis", "redis shows locks in Redis, pulpcore does not"],
  ["PULP_TASK_PROTECTION_TIME", "20160", "Minutes that records of tasks are kept"],
  ["PULP_TASK_DIAGNOSTICS", list(["memory", "memray", "pyinstrument"]), "Profiles to ask for"],
  ["PULP_UPLOAD_PROTECTION_TIME", "480", "Minutes that unfinished uploads are kept"],
  ["PULP_MAX_CONCURRENT_CONTENT", "200", "Content that a sync handles at once"],
];

const telemetry: readonly Row[] = [
  ["PULP_OTEL_ENABLED", "true", "Whether measurements are sent to the collector"],
  ["OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "Protocol of the collector"],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:10000/", "Address of the collector"],
  ["OTEL_METRIC_EXPORT_INTERVAL", "7000", "Milliseconds between two sendings"],
  ["OTEL_METRIC_EXPORT_TIMEOUT", "7000", "Longest sending, in milliseconds"],
  ["OTEL_TRACES_EXPORTER", "none", "There are no traces"],
  ["OTEL_PYTHON_EXCLUDED_URLS", ".*livez,.*status", "Addresses that are not measured"],
  [
    "PULP_OTEL_PULP_API_HISTOGRAM_BUCKETS",
    "[500.0, 750.0, 1000.0, 2500.0, 3000.0, 5000.0]",
    "Bounds of the histogram of the API; objectives and alerts need 750, 1000 and 3000",
  ],
  ["PULP_OTEL_METRICS_DISPATCH_INTERVAL_MINUTES", "60", "How often space is measured"],
];

const services: readonly Row[] = [
  ["PULP_CLAMAV_HOST", "pulp-clamav", "Host of the malware scanner"],
  ["PULP_CLAMAV_PORT", "10000", "Its port"],
  ["PULP_FEATURE_SERVICE_API_URL", "", "Service that knows what organisations subscribed to"],
  [
    "PULP_FEATURE_SERVICE_API_CERT_PATH",
    "/etc/pulp/certs/pulp-services-non-prod.pem",
    "Certificate for it, of the secret subscription-api-cert",
  ],
  ["PULP_FEATURE_SERVICE_API_CONNECT_TIMEOUT", "2", "Seconds to reach it"],
  ["PULP_FEATURE_SERVICE_API_READ_TIMEOUT", "5", "Seconds for its answer"],
  ["PULP_PYPI_API_HOSTNAME", "http://localhost:8080", "Scheme and host of Python indexes"],
  ["PULP_PYPI_PATH_PREFIX", "/api/pypi/", "Their path"],
  ["PULP_PYTHON_GROUP_UPLOADS", "true", "Uploads to an index that come together are one version"],
  ["PULP_TEST_TASK_INGESTION", "false", "Whether test tasks can be dispatched"],
  ["PULP_RDS_CONNECTION_TESTS_ENABLED", "false", "Whether connections can be tested"],
];

/** Every variable of the servers, as it is without secrets. */
export const variables: readonly Variable[] = [
  ...[basics, stores, processes, access, tasks, telemetry, services],
].flatMap((rows) => rows.map(([name, value, about]) => ({ name, value, about })));

export const secretVariables: readonly SecretVariable[] = [
  { name: "SENTRY_DSN", secret: "pulp-glitchtip", key: "dsn", isOptional: true },
];

/** How many of each there are, and other parameters that only templates have. */
export const templateParameters: readonly Variable[] = (
  [
    ["PULP_API_REPLICAS", "1", "Pods of the API"],
    ["PULP_CONTENT_REPLICAS", "1", "Pods of the content app"],
    ["PULP_WORKER_REPLICAS", "2", "Pods of workers"],
    ["PULP_WORKER_AUXILIARY_REPLICAS", "1", "Pods of auxiliary workers"],
    ["PULP_MIGRATION_REPLICAS", "1", "Pods that migrate"],
    ["CLAMAV_REPLICAS", "1", "Pods of the malware scanner"],
    ["WORKER_COLLECTOR_ENABLED", "true", "Whether workers have a collector beside them"],
    ["IMAGE_TAG", "latest", "Its tag"],
    ["CLAMAV_IMAGE", "docker.io/clamav/clamav:1.5.1", "Image of the malware scanner"],
    ["DATABASE_VERSION", "16", "Version of PostgreSQL"],
  ] as const
).map(([name, value, about]) => ({ name, value, about }));
