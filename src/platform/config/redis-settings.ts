import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

const optionalText = Type.Union([Type.String(), Type.Null()]);

/** A Redis or Valkey server; everything works without it (core-tasks-ops §16.6). */
export const redisSettings = defineSettings({
  REDIS_URL: {
    schema: optionalText,
    default: null,
    secret: true,
    doc: "Address of a Redis server, `redis://`, `rediss://` or `unix://`; wins over the parts.",
  },
  REDIS_HOST: { schema: optionalText, default: null, doc: "Its host." },
  REDIS_PORT: {
    schema: Type.Union([Type.Integer({ minimum: 1, maximum: 65_535 }), Type.Null()]),
    default: null,
    doc: "Its port; null is 6379.",
  },
  REDIS_DB: { schema: Type.Integer({ minimum: 0 }), default: 0, doc: "Number of its database." },
  REDIS_USERNAME: {
    schema: optionalText,
    default: null,
    doc: "Name of the user there; null is its default user.",
  },
  REDIS_PASSWORD: {
    schema: optionalText,
    default: null,
    secret: true,
    doc: "Its password.",
  },
  REDIS_SSL: { schema: Type.Boolean(), default: false, doc: "Speaks TLS with it." },
  REDIS_SSL_CA_CERTS: {
    schema: optionalText,
    default: null,
    doc: "File of the authorities that may have signed its certificate.",
  },
});
