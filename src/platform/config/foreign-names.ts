/** `PULP_*` variables of images and entry points that are no settings (core-tasks-ops §17). */
const NOT_SETTINGS = new Set([
  "PULP_SETTINGS",
  "PULP_ENV",
  "PULP_WORKERS",
  "PULP_API_WORKERS",
  "PULP_CONTENT_WORKERS",
  "PULP_GUNICORN_TIMEOUT",
  "PULP_GUNICORN_RELOAD",
  "PULP_API_WORKERS_MAX_REQUESTS",
  "PULP_API_WORKERS_MAX_REQUESTS_JITTER",
  "PULP_CONTENT_WORKERS_MAX_REQUESTS",
  "PULP_CONTENT_WORKERS_MAX_REQUESTS_JITTER",
  "PULP_HTTPS",
  "PULP_ADMIN_PASSWORD",
  "PULP_DEFAULT_ADMIN_PASSWORD",
  "PULP_ADMIN_PASSWORD",
  "PULP_DEFAULT_ADMIN_PASSWORD",
  "PULP_SIGNING_KEY_FINGERPRINT",
]);

/** Families of settings of frameworks and optional parts that we do not have. */
const FAMILIES = [
  "API_GUNICORN_",
  "CONTENT_GUNICORN_",
  "AUTH_LDAP_",
  "SOCIAL_AUTH_",
  "HIJACK_",
  "SPECTACULAR_",
  "SAML_",
  // A cluster names addresses of services in the variables of every pod beside them.
  "API_SERVICE_",
  "API_PORT",
  "CONTENT_SERVICE_",
  "CONTENT_PORT",
  "CLAMAV_SERVICE_",
  "CLAMAV_PORT_",
  "WORKER_SERVICE_",
  "WORKER_PORT",
];

/** What templates of a deployment count by (service §22). */
const COUNTS = /_REPLICAS$|_(?:MIN|MAX)_REPLICA_COUNT$/;

/** Known to somebody else: neither a setting of ours nor worth a warning. */
export const isForeignName = (variable: string): boolean =>
  NOT_SETTINGS.has(variable) ||
  COUNTS.test(variable) ||
  FAMILIES.some((family) => variable.startsWith(`PULP_${family}`));
