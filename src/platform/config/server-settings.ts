import { Type } from "@sinclair/typebox";
import { proxiesProblem } from "#base/client-address.ts";
import { defineSettings } from "#base/settings.ts";

const text = Type.String();
const texts = Type.Array(Type.String());

/** Addresses, paths, the API and the web server (core-tasks-ops §§16.1, 16.2). */
export const serverSettings = defineSettings({
  SECRET_KEY: {
    schema: text,
    default: "",
    secret: true,
    doc: "Signs sessions and redirect tokens. `npm start` makes one at the first start.",
  },
  DB_ENCRYPTION_KEY: {
    schema: text,
    default: "/etc/pulp/certs/database_fields.symmetric.key",
    doc: "File of Fernet keys, one per line: the first encrypts, all decrypt.",
  },
  DEPLOY_ROOT: { schema: text, default: "/var/lib/pulp", doc: "Folder of the next ones." },
  MEDIA_ROOT: {
    schema: text,
    default: "/var/lib/pulp/media",
    doc: "Root of the local store of artifacts.",
  },
  WORKING_DIRECTORY: {
    schema: text,
    default: "/var/lib/pulp/tmp",
    doc: "Temporary files; best on the file system of `MEDIA_ROOT`.",
  },
  CHUNKED_UPLOAD_DIR: {
    schema: text,
    default: "upload",
    doc: "Folder of upload chunks, relative to the store.",
  },
  FILE_UPLOAD_PERMISSIONS: {
    schema: Type.Union([Type.Integer({ minimum: 0, maximum: 0o777 }), Type.Null()]),
    default: 0o644,
    doc: "Mode of stored files; 420 is 0o644 of Python.",
  },
  FILE_UPLOAD_DIRECTORY_PERMISSIONS: {
    schema: Type.Union([Type.Integer({ minimum: 0, maximum: 0o7777 }), Type.Null()]),
    default: null,
    doc: "Mode of created folders; null leaves it to the umask.",
  },
  REDIRECT_TO_OBJECT_STORAGE: {
    schema: Type.Boolean(),
    default: true,
    doc: "Send clients to signed addresses of an object store; ignored by the local store.",
  },
  API_ROOT: {
    schema: text,
    default: "/pulp/",
    doc: "Path of the API; begins and ends with a slash.",
    check: (value: string) =>
      value.startsWith("/") && value.endsWith("/")
        ? undefined
        : `The API_ROOT must start and end with a '/', currently it is '${value}'`,
  },
  API_ROOT_REWRITE_HEADER: {
    schema: Type.Union([text, Type.Null()]),
    default: null,
    doc: "Request header whose value replaces the API root for that request.",
  },
  ENABLE_V4_API: { schema: Type.Boolean(), default: false, doc: "Accepts `v4` in place of `v3`." },
  ALLOWED_HOSTS: {
    schema: texts,
    default: ["*"],
    doc: "Accepted Host headers; `*` accepts all, a leading dot any subdomain.",
  },
  TRUSTED_PROXIES: {
    schema: texts,
    default: [],
    doc: "Addresses and networks whose `X-Forwarded-*` headers are believed, by API and content app. When it is not empty, headers that name a user are believed from them only; otherwise from everybody, so the proxy has to be the only way in.",
    check: proxiesProblem,
  },
  USE_X_FORWARDED_HOST: {
    schema: Type.Boolean(),
    default: false,
    doc: "Absolute links carry the host of `X-Forwarded-Host` even where `TRUSTED_PROXIES` is empty, so the proxy has to be the only way in.",
  },
  SECURE_PROXY_SSL_HEADER: {
    schema: Type.Union([Type.Tuple([text, text]), Type.Null()]),
    default: null,
    doc: "Header, as `HTTP_X_FORWARDED_PROTO`, and the value of it that says that the client came by https; believed as `USE_X_FORWARDED_HOST`.",
  },
  MIDDLEWARE: {
    schema: texts,
    default: [],
    doc: "Hooks of plugins around each request, the outermost first; names of other programs are accepted without effect.",
  },
  DATA_UPLOAD_MAX_NUMBER_FIELDS: {
    schema: Type.Integer({ minimum: 1 }),
    default: 1000,
    doc: "Fields of a form; more is refused with 400.",
  },
  DATA_UPLOAD_MAX_MEMORY_SIZE: {
    schema: Type.Integer({ minimum: 1024 }),
    default: 2_621_440,
    unit: "bytes",
    doc: "Largest request body besides files; more is refused with 413.",
  },
  API_MAX_FILE_SIZE: {
    schema: Type.Integer({ minimum: 0 }),
    default: 0,
    unit: "bytes",
    doc: "Largest file of one upload request; 0 is no limit.",
  },
  REST_FRAMEWORK: {
    schema: Type.Record(text, Type.Unknown()),
    default: { PAGE_SIZE: 100 },
    doc: "Nested values of the API: `PAGE_SIZE` is the default `limit`; `DEFAULT_AUTHENTICATION_CLASSES` says in which order requests are recognised, without it by Basic and then by session; `DEFAULT_PERMISSION_CLASSES` names what decides over them.",
  },
  DATABASES: {
    schema: Type.Record(text, Type.Record(text, Type.Unknown())),
    default: { default: { NAME: "pulp", USER: "pulp" } },
    doc: "PostgreSQL: `default` has NAME, USER, PASSWORD, HOST, PORT and OPTIONS.",
  },
  DATABASE_POOL_SIZE: {
    schema: Type.Integer({ minimum: 1 }),
    default: 4,
    doc: "Connections of one process, besides the one that listens.",
  },
  DEBUG: { schema: Type.Boolean(), default: false, doc: "Never in production." },
  ENABLED_PLUGINS: {
    schema: Type.Union([Type.Array(text, { minItems: 1 }), Type.Null()]),
    default: null,
    doc: "Names of the plugins to load (`file`); null loads all of them but `service`, which has to be named.",
  },
  DOMAIN_ENABLED: {
    schema: Type.Boolean(),
    default: false,
    doc: "Separates tenants: puts the domain's name into every path of API and content app. What was there before is in the domain `default`.",
  },
  SERVER_RECYCLE_MB: {
    schema: Type.Integer({ minimum: 0 }),
    default: 0,
    unit: "MiB",
    doc: "Resident size above which a process of a server is replaced by a new one, where there is one that starts them (`--workers`, `--max-requests`); 0 is never.",
  },
  METRICS_ENABLED: {
    schema: Type.Boolean(),
    default: false,
    doc: "Prometheus text at `/metrics`; `npm start` switches it on.",
  },
  LOG_FORMAT: {
    schema: Type.Union([Type.Literal("text"), Type.Literal("json")]),
    default: "text",
    doc: "`text` is the classic line, `json` one object per line: for the log, and for access lines without `--access-logformat`.",
  },
  ACCESS_LOG_TEMPLATE: {
    schema: Type.Union([Type.Literal("standard"), Type.Literal("service")]),
    default: "standard",
    doc: "Access lines without `--access-logformat`: `standard` are those of a plain server, `service` also name user, organisation, forwarded address and time, as dashboards of the hosted service read them.",
  },
  LOG_LEVEL: {
    schema: Type.Union(["debug", "info", "warn", "error"].map((level) => Type.Literal(level))),
    default: "info",
    doc: "Least severe lines to write.",
  },
});
