import { type TSchema, Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

const text = Type.String();
const texts = Type.Array(Type.String());
const flag = Type.Boolean();
const any = Type.Unknown();
const map = Type.Record(Type.String(), Type.Unknown());
const count = Type.Integer({ minimum: 0 });
const optional = (schema: TSchema) => Type.Union([schema, Type.Null()]);

const accepted = <const Schema extends TSchema>(schema: Schema, value: unknown) => ({
  schema,
  default: value,
  doc: "Accepted without effect, so that settings of a peer can be used as they are.",
});

const hidden = { ...accepted(optional(text), null), secret: true };

/** Names of frameworks and notifications that settings of a peer hold. */
export const compatSettings = defineSettings({
  USE_X_FORWARDED_PORT: accepted(flag, false),
  FILE_UPLOAD_HANDLERS: accepted(texts, []),
  ROOT_URLCONF: accepted(text, "pulpcore.app.urls"),
  WSGI_APPLICATION: accepted(text, "pulpcore.app.wsgi.application"),
  TEMPLATES: accepted(Type.Array(any), []),
  INSTALLED_APPS: accepted(texts, []),
  DEFAULT_AUTO_FIELD: accepted(text, "django.db.models.AutoField"),
  LANGUAGE_CODE: accepted(text, "en-us"),
  TIME_ZONE: accepted(text, "UTC"),
  USE_TZ: accepted(flag, true),
  SHELL_PLUS_IMPORTS: accepted(texts, []),
  UVLOOP_ENABLED: accepted(flag, false),

  CACHES: accepted(map, {}),
  TOUCH_CONTENT: {
    ...accepted(text, "on"),
    doc: "Accepted without effect: what a request uses again is protected from clean-up once an hour at most, and that waits for nobody.",
  },

  LOGGING: {
    ...accepted(map, {}),
    doc: '`loggers[""].level` sets `LOG_LEVEL`; the rest is accepted without effect.',
  },
  DJANGO_GUID: accepted(map, {}),
  ANALYTICS: {
    ...accepted(flag, false),
    doc: "Nothing is ever sent: kept so that settings of a peer can be used as they are.",
  },
  TELEMETRY: { ...accepted(flag, false), doc: "Older name of `ANALYTICS`." },
  KAFKA_BOOTSTRAP_SERVERS: accepted(optional(text), null),
  KAFKA_TASKS_STATUS_TOPIC: accepted(text, "pulpcore.tasking.status"),
  KAFKA_TASKS_STATUS_PRODUCER_SYNC_ENABLED: accepted(flag, false),
  KAFKA_PRODUCER_POLL_TIMEOUT: accepted(Type.Number({ minimum: 0 }), 0.1),
  KAFKA_SECURITY_PROTOCOL: accepted(
    Type.Union(
      ["plaintext", "ssl", "sasl_ssl", "sasl_plaintext"].map((name) => Type.Literal(name)),
    ),
    "plaintext",
  ),
  KAFKA_SSL_CA_PEM: accepted(optional(text), null),
  KAFKA_SASL_MECHANISM: accepted(optional(text), null),
  KAFKA_SASL_USERNAME: accepted(optional(text), null),
  KAFKA_SASL_PASSWORD: hidden,
});

/** Settings of plugins that are not part of this program yet. */
export const foreignPluginSettings = defineSettings({
  ALLOW_AUTOMATIC_UNSAFE_ADVISORY_CONFLICT_RESOLUTION: accepted(flag, false),
  DEFAULT_ULN_SERVER_BASE_URL: accepted(text, ""),
  KEEP_CHANGELOG_LIMIT: accepted(count, 10),
  SOLVER_DEBUG_LOGS: accepted(flag, true),
  RPM_METADATA_USE_REPO_PACKAGE_TIME: accepted(flag, false),
  NOCACHE_LIST: accepted(texts, ["repomd.xml", "repomd.xml.asc", "repomd.xml.key"]),
  PRUNE_WORKERS_MAX: accepted(count, 5),
  MAX_PACKAGE_SIGNING_WORKERS: accepted(count, 5),
  RPM_SIGNING_COPY_LABELS: accepted(flag, true),
  RDS_CONNECTION_TESTS_ENABLED: accepted(flag, false),
});
