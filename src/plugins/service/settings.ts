import { Type } from "@sinclair/typebox";
import { defineSettings, type SettingValues } from "#base/settings.ts";
import type { Ctx } from "#sdk";
import { syncSettings } from "./syncs/settings.ts";

const text = Type.String();

const accessPolicy = Type.Object(
  {
    readonly_group: Type.Optional(Type.String({ minLength: 1 })),
    subscription_feature: Type.Optional(Type.String({ minLength: 1 })),
    subscription_endpoints: Type.Optional(Type.Array(Type.String({ pattern: "^/" }))),
  },
  { additionalProperties: false },
);

/** What the plugin can be told (service §2, §5, §6, §8.1). */
export const serviceSettings = defineSettings({
  ...syncSettings,
  ORG_ID_FALLBACK: {
    schema: Type.Boolean(),
    default: false,
    doc: "An identity without `.identity.internal.org_id` is of the organisation of `.identity.org_id`.",
  },
  RH_SERVICE_ACCOUNT_REQUIRED: {
    schema: Type.Boolean(),
    default: false,
    doc: "Certificates without a service account are refused; else their subjects become users.",
  },
  DOMAIN_ACCESS_POLICIES: {
    schema: Type.Record(text, accessPolicy),
    default: {
      lightwell: {
        readonly_group: "Lightwell-ReadOnly",
        subscription_feature: "lightwell-network",
        subscription_endpoints: ["/api/v3/content/"],
      },
    },
    doc: "By the name of a domain, who besides its tenants may read there: members of `readonly_group` everything, organisations that have `subscription_feature` what lies below `subscription_endpoints`.",
  },
  PUBLIC_DOMAIN_FULL_READ: {
    schema: Type.Boolean(),
    default: false,
    doc: "Everything in domains whose name begins with `public-` is open to strangers, its tasks, users and remotes among it; else repositories, versions, content, publications, distributions and indexes.",
  },
  CREATE_DOMAIN_ALLOW_FOREIGN_GROUP: {
    schema: Type.Boolean(),
    default: false,
    doc: "`create-domain` gives a domain to a group that its maker is no member of.",
  },
  ADMIN_READONLY_GROUP: {
    schema: text,
    default: "admin-readonly",
    doc: "Members of this group read what is for administrators; empty is nobody.",
  },
  AUTHENTICATION_HEADER_DEBUG: {
    schema: Type.Boolean(),
    default: false,
    doc: "Feature guards write the header that they have read to the log, and `/api/pulp/debug_auth_header/` shows it.",
  },
  TEST_TASK_INGESTION: {
    schema: Type.Boolean(),
    default: false,
    doc: "`/api/pulp/test/tasks/` and `/api/pulp/test/random_lock_tasks/` dispatch tasks that do nothing, for anybody who asks: for measurements only.",
  },
  RDS_CONNECTION_TESTS_ENABLED: {
    schema: Type.Boolean(),
    default: false,
    doc: "`/api/pulp/rds-connection-tests/` starts tasks that hold connections to the database, for anybody who asks: to find out what a proxy before the database drops. With `DEBUG` it does so anyway.",
  },
  EVENT_WEBHOOK_URL: {
    schema: Type.String({ pattern: "^(https?://.+)?$" }),
    default: "",
    doc: "Where every event goes as JSON by a `POST`, besides its line in the log: repositories made and deleted, publications, changed distributions, sessions. Empty sends nothing. What `REMOTE_DENIED_NETWORKS` forbids is not reached.",
  },
  EVENT_WEBHOOK_SECRET: {
    schema: text,
    default: "",
    secret: true,
    doc: "Signs events: `X-Pulp-Signature` is `sha256=` and the HMAC in hexadecimal of the value of `X-Pulp-Timestamp`, a dot and the body. Empty signs nothing.",
  },
  EVENT_WEBHOOK_TIMEOUT: {
    schema: Type.Number({ exclusiveMinimum: 0, maximum: 300 }),
    default: 10,
    unit: "seconds",
    doc: "How long one attempt to send an event may take.",
  },
  EVENT_STREAM: {
    schema: text,
    default: "",
    doc: "Stream in the Redis of the settings that gets every event as well, as an entry with `event`, `id` and `data`; empty is none.",
  },
  EVENT_STREAM_LENGTH: {
    schema: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
    default: 100_000,
    doc: "Entries that `EVENT_STREAM` keeps, about.",
  },
  EVENT_KEEP_HOURS: {
    schema: Type.Integer({ minimum: 1, maximum: 8760 }),
    default: 24,
    unit: "hours",
    doc: "How long an event is tried again that its webhook or stream does not take, at first after a second and then every minute. Answers of 4xx but 408 and 429 are final.",
  },
  FEATURE_SERVICE_API_URL: {
    schema: Type.String({ pattern: "^(https?://.+)?$" }),
    default: "",
    doc: "Where it is asked which features an organisation has; empty has none.",
  },
  FEATURE_SERVICE_API_CERT_PATH: {
    schema: text,
    default: "",
    doc: "PEM file with the client certificate and its key for `FEATURE_SERVICE_API_URL`.",
  },
  FEATURE_SERVICE_API_CONNECT_TIMEOUT: {
    schema: Type.Number({ exclusiveMinimum: 0, maximum: 300 }),
    default: 2,
    unit: "seconds",
    doc: "How long a connection to `FEATURE_SERVICE_API_URL` may take.",
  },
  FEATURE_SERVICE_API_READ_TIMEOUT: {
    schema: Type.Number({ exclusiveMinimum: 0, maximum: 300 }),
    default: 5,
    unit: "seconds",
    doc: "How long its answer may take.",
  },
  FEATURE_SERVICE_CACHE_TTL: {
    schema: Type.Integer({ minimum: 0 }),
    default: 86_400,
    unit: "seconds",
    doc: "How long it is believed that an organisation has a feature.",
  },
  FEATURE_SERVICE_NEGATIVE_TTL: {
    schema: Type.Integer({ minimum: 0 }),
    default: 300,
    unit: "seconds",
    doc: "How long it is believed that it has not.",
  },
  PYPI_JSON_URL: {
    schema: Type.String({ pattern: "^https?://.+$" }),
    default: "https://pypi.org",
    doc: "The index that yank monitors ask, below `/pypi/<project>/json`.",
  },
  PYPI_JSON_CONCURRENCY: {
    schema: Type.Integer({ minimum: 1, maximum: 500 }),
    default: 50,
    doc: "Simultaneous requests of one check to `PYPI_JSON_URL`.",
  },
  PYPI_JSON_TIMEOUT: {
    schema: Type.Number({ exclusiveMinimum: 0, maximum: 3600 }),
    default: 60,
    unit: "seconds",
    doc: "How long one of its answers may take.",
  },
  CERT_GUARD_CACHE_TTL: {
    schema: Type.Integer({ minimum: 0 }),
    default: 60,
    unit: "seconds",
    doc: "How long the rules before a content guard are remembered; a change ends that in every process.",
  },
  CERT_GUARD_MAX_RULES: {
    schema: Type.Integer({ minimum: 1, maximum: 100_000 }),
    default: 1000,
    doc: "Rules that one content guard may have.",
  },
  LOCK_FILE_MAX_SIZE: {
    schema: Type.Integer({ minimum: 1 }),
    default: 16_777_216,
    unit: "bytes",
    doc: "The largest `package-lock.json` that a report of vulnerabilities is made of.",
  },
  YANK_REPORTS_KEPT: {
    schema: Type.Integer({ minimum: 1 }),
    default: 90,
    doc: "Reports that a yank monitor keeps, the newest ones.",
  },
  DOWNLOAD_METRICS_ENABLED: {
    schema: Type.Boolean(),
    default: true,
    doc: "Downloads and requests are counted, for `rpm_package_download/` and `business_metrics/`.",
  },
  DOWNLOAD_METRICS_FLUSH_SECONDS: {
    schema: Type.Integer({ minimum: 1, maximum: 3600 }),
    default: 30,
    unit: "seconds",
    doc: "How long a process gathers counts before it writes them; those of a process that dies are lost.",
  },
  DOWNLOAD_METRICS_BUFFER: {
    schema: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    default: 20_000,
    doc: "Rows of downloads, and of requests, that a process gathers; what is new beyond them is not counted.",
  },
  DOWNLOAD_METRICS_RETENTION_DAYS: {
    schema: Type.Integer({ minimum: 1 }),
    default: 400,
    unit: "days",
    doc: "How long counts of downloads and requests, and samples of the storage, are kept.",
  },
  BUSINESS_METRICS_CACHE_SECONDS: {
    schema: Type.Integer({ minimum: 0, maximum: 86_400 }),
    default: 300,
    unit: "seconds",
    doc: "How long a report of `business_metrics/` is believed before it is counted anew.",
  },
  BUSINESS_METRICS_CACHE_ENTRIES: {
    schema: Type.Integer({ minimum: 0, maximum: 10_000 }),
    default: 64,
    doc: "Reports that a process remembers; each has at most some ten thousand rows.",
  },
});

type ServiceSettings = SettingValues<typeof serviceSettings>;

/** The loader fills the tables of every plugin; the type of `ctx.settings` knows the core's only. */
export const serviceSettingsOf = ({ settings }: Pick<Ctx, "settings">): ServiceSettings =>
  settings as Ctx["settings"] & ServiceSettings;
