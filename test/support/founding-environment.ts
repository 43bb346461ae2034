/**
 * Variables as the founding document of the hosted service lists them, word for word where it gives a
 * value; where it gives none, stand-ins of the form that it describes.
 */
export const FOUNDING_ENVIRONMENT = {
  DJANGO_SETTINGS_MODULE: "pulpcore.app.settings",
  PULP_SETTINGS: "/etc/pulp/settings.py",
  PULP_API_ROOT: "/api/pulp/",
  PULP_CONTENT_ORIGIN: "https://packages.example",
  PULP_CONTENT_PATH_PREFIX: "/api/pulp-content/",

  PULP_DB_ENCRYPTION_KEY: "/etc/pulp/keys/database_fields.symmetric.key",
  PULP_CACHE_ENABLED: "true",
  PULP_REDIS_PORT: "6379",
  PULP_STORAGES__default__BACKEND: "pulp_service.app.storage.AIPCCStorageBackend",
  PULP_STORAGES__default__OPTIONS__default_acl: "@none None",
  PULP_STORAGES__default__OPTIONS__signature_version: "s3v4",
  PULP_STORAGES__default__OPTIONS__addressing_style: "path",
  PULP_MEDIA_ROOT: "",

  PULP_API_GUNICORN_TIMEOUT: "1800",
  PULP_API_GUNICORN_WORKERS: "1",
  PULP_API_GUNICORN_MAX_REQUESTS: "20",
  PULP_API_GUNICORN_MAX_REQUESTS_JITTER: "5",
  PULP_CONTENT_GUNICORN_TIMEOUT: "90",
  PULP_CONTENT_GUNICORN_GRACEFUL_TIMEOUT: "300",
  PULP_CONTENT_GUNICORN_MAX_REQUESTS: "20",
  GUNICORN_CMD_ARGS: "--config /usr/bin/log_middleware.py",

  PULP_AUTHENTICATION_BACKENDS:
    "@merge ['django.contrib.auth.backends.RemoteUserBackend', 'pulp_service.app.authentication.RHSamlAuthentication']",
  PULP_REST_FRAMEWORK__DEFAULT_AUTHENTICATION_CLASSES:
    "['pulp_service.app.authentication.RHServiceAccountCertAuthentication', 'rest_framework.authentication.BasicAuthentication', 'rest_framework.authentication.SessionAuthentication', 'pulp_service.app.authentication.RHTermsBasedRegistryAuthentication']",
  PULP_REST_FRAMEWORK__DEFAULT_PERMISSION_CLASSES:
    "['pulp_service.app.authorization.DomainBasedPermission']",
  PULP_AUTHENTICATION_JSON_HEADER: "HTTP_X_RH_IDENTITY",
  PULP_AUTHENTICATION_JSON_HEADER_JQ_FILTER: ".identity.user.username",
  PULP_TOKEN_AUTH_DISABLED: "true",
  PULP_USE_X_FORWARDED_HOST: "true",
  PULP_SECURE_PROXY_SSL_HEADER: "['HTTP_X_FORWARDED_PROTO', 'https']",
  PULP_MIDDLEWARE:
    "@merge ['pulp_service.app.middleware.ProfilerMiddleware', 'pulp_service.app.middleware.RhEdgeHostMiddleware', 'pulp_service.app.middleware.RHSamlAuthHeaderMiddleware', 'pulp_service.app.middleware.RequestPathMiddleware', 'pulp_service.app.middleware.ActiveConnectionsMetricMiddleware']",
  PULP_ALLOWED_CONTENT_CHECKSUMS: '["sha224", "sha256", "sha384", "sha512"]',
  PULP_CSRF_TRUSTED_ORIGINS: "['https://*.example']",
  PULP_DOMAIN_ENABLED: "true",

  PULP_WORKER_TYPE: "redis",
  PULP_TASK_PROTECTION_TIME: "20160",
  PULP_TASK_DIAGNOSTICS: "['memory', 'memray', 'pyinstrument']",
  PULP_UPLOAD_PROTECTION_TIME: "480",
  PULP_MAX_CONCURRENT_CONTENT: "200",

  PULP_OTEL_ENABLED: "true",
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
  OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:10000/",
  OTEL_METRIC_EXPORT_INTERVAL: "7000",
  OTEL_METRIC_EXPORT_TIMEOUT: "7000",
  OTEL_TRACES_EXPORTER: "none",
  OTEL_PYTHON_EXCLUDED_URLS: ".*livez,.*status",
  PULP_OTEL_PULP_API_HISTOGRAM_BUCKETS: "[100.0,250.0,500.0,1000.0,2500.0,5000.0]",

  PULP_CLAMAV_HOST: "clamav.example",
  PULP_CLAMAV_PORT: "10000",
  PULP_FEATURE_SERVICE_API_URL: "https://features.example/features/v2/featureStatus",
  PULP_FEATURE_SERVICE_API_CERT_PATH: "/etc/pulp/certs/pulp-services-non-prod.pem",
  PULP_PYPI_API_HOSTNAME: "https://packages.example",
  PULP_PYPI_PATH_PREFIX: "/api/pypi/",
  SENTRY_DSN: "",

  PULP_TEST_TASK_INGESTION: "false",
  PULP_PYTHON_GROUP_UPLOADS: "true",
  PULP_UVLOOP_ENABLED: "false",
  PULP_RDS_CONNECTION_TESTS_ENABLED: "false",
  PULP_API_APP_TTL: "120",

  PULP_API_REPLICAS: "1",
  PULP_CONTENT_REPLICAS: "1",
  PULP_WORKER_REPLICAS: "2",
  PULP_WORKER_AUXILIARY_REPLICAS: "1",
  PULP_MIGRATION_REPLICAS: "1",
  CLAMAV_REPLICAS: "1",
} as const;

type Name = keyof typeof FOUNDING_ENVIRONMENT;

/**
 * The same without what needs a neighbour: a file of settings, a store, a Redis, a scanner, a
 * collector, a mounted key.
 */
export function withoutNeighbours(): Readonly<Record<string, string>> {
  const away: ReadonlySet<string> = new Set<Name>([
    "PULP_SETTINGS",
    "PULP_DB_ENCRYPTION_KEY",
    "PULP_CONTENT_ORIGIN",
    "PULP_REDIS_PORT",
    "PULP_STORAGES__default__BACKEND",
    "PULP_STORAGES__default__OPTIONS__default_acl",
    "PULP_STORAGES__default__OPTIONS__signature_version",
    "PULP_STORAGES__default__OPTIONS__addressing_style",
    "PULP_MEDIA_ROOT",
    "PULP_WORKER_TYPE",
    "PULP_OTEL_ENABLED",
    "PULP_CLAMAV_HOST",
    "PULP_CLAMAV_PORT",
  ]);
  return Object.fromEntries(
    Object.entries(FOUNDING_ENVIRONMENT).filter(([name]) => !away.has(name)),
  );
}

/** Templates of access lines as the same document has them, of production and of development. */
export const FOUNDING_ACCESS_LINES = {
  api: 'pulp [%({correlation-id}o)s]: %(h)s %(l)s user:%({REMOTE_USER}e)s org_id:%({ORG_ID}e)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %(M)s x_forwarded_for:"%({X-Forwarded-For}i)s"',
  apiInDevelopment:
    'pulp [%({correlation-id}o)s]: %(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" x_forwarded_for:"%({X-Forwarded-For}i)s"',
  content:
    '%a %t "%r" %s %b "%{Referer}i" "%{User-Agent}i" cache:"%{X-PULP-CACHE}o" artifact_size:"%{X-PULP-ARTIFACT-SIZE}o" rh_org_id:"%{X-RH-ORG-ID}o" x_forwarded_for:"%{X-Forwarded-For}i"',
} as const;
