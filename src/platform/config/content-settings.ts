import { Type } from "@sinclair/typebox";
import { ALGORITHMS } from "#base/digests.ts";
import { defineSettings } from "#base/settings.ts";

const text = Type.String();
const count = Type.Integer({ minimum: 0 });

/** The content app, the store's rules and outbound connections (core-tasks-ops §§16.4, 16.5). */
export const contentSettings = defineSettings({
  CONTENT_ORIGIN: {
    schema: Type.Union([text, Type.Null()]),
    default: null,
    doc: "Scheme and host before every `base_url`; null makes it a path.",
  },
  CONTENT_PATH_PREFIX: {
    schema: text,
    default: "/pulp/content/",
    doc: "Path of the content app; begins and ends with a slash.",
    check: (value: string) =>
      value.startsWith("/") && value.endsWith("/")
        ? undefined
        : `The CONTENT_PATH_PREFIX must start and end with a '/', currently it is '${value}'`,
  },
  HIDE_GUARDED_DISTRIBUTIONS: {
    schema: Type.Boolean(),
    default: false,
    doc: "Leaves guarded distributions out of listings.",
  },
  REMOTE_CONTENT_FETCH_FAILURE_COOLDOWN: {
    schema: count,
    default: 300,
    unit: "seconds",
    doc: "A source that sent wrong bytes is skipped this long.",
  },
  DISTRIBUTED_PUBLICATION_RETENTION_PERIOD: {
    schema: count,
    default: 259_200,
    unit: "seconds",
    doc: "Superseded publications stay reachable this long; 0 is off.",
  },
  RESPONSE_CACHE_BYTES: {
    schema: count,
    default: 67_108_864,
    unit: "bytes",
    doc: "Response cache of one content process; 0 is off.",
  },
  CACHE_ENABLED: {
    schema: Type.Boolean(),
    default: false,
    doc: "Adds the header `X-PULP-CACHE` to cacheable answers; with Redis, content processes share what they look up.",
  },
  CACHE_SETTINGS: {
    schema: Type.Object({ EXPIRES_TTL: Type.Union([count, Type.Null()]) }),
    default: { EXPIRES_TTL: 600 },
    doc: "`EXPIRES_TTL`: seconds that an answer may be cached; null is no limit.",
  },
  ALLOWED_CONTENT_CHECKSUMS: {
    schema: Type.Array(Type.Union(ALGORITHMS.map((name) => Type.Literal(name)))),
    default: ["sha224", "sha256", "sha384", "sha512"],
    doc: "Digests that are computed, stored and accepted; sha256 is mandatory.",
    check: (value: readonly string[]) =>
      value.includes("sha256") ? undefined : "ALLOWED_CONTENT_CHECKSUMS MUST contain 'sha256'.",
  },
  ALLOWED_IMPORT_PATHS: {
    schema: Type.Array(text),
    default: [],
    doc: "Folders that `file://` remotes and imports may read.",
  },
  ALLOWED_EXPORT_PATHS: {
    schema: Type.Array(text),
    default: [],
    doc: "Folders that exports may write.",
  },
  REMOTE_DENIED_NETWORKS: {
    schema: Type.Array(text),
    default: [],
    doc: "Networks (CIDR, or the words private, loopback, link-local) that downloads never reach.",
  },
  MAX_DOWNLOAD_BYTES: {
    schema: count,
    default: 0,
    unit: "bytes",
    doc: "Largest file that a download accepts when nothing says its size; 0 is no limit.",
  },
  SYNC_MAX_IN_FLIGHT_MB: {
    schema: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
    default: 5120,
    unit: "MiB",
    doc: "Bytes of a sync that are downloaded but not saved; one larger file always passes.",
  },
  SYNC_MAX_IN_FLIGHT_ITEMS: {
    schema: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
    default: null,
    doc: "Files of a sync that are downloaded but not saved; null is `MAX_CONCURRENT_CONTENT`.",
  },
  MAX_CONCURRENT_CONTENT: {
    schema: Type.Integer({ minimum: 1 }),
    default: 200,
    doc: "Older name of the item budget.",
  },
  FILE_SYNC_OPTIMIZATION: {
    schema: Type.Boolean(),
    default: true,
    doc: "Skips a sync when neither the manifest nor the options changed since the last one.",
  },
});
