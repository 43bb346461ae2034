import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** The service that knows features of organisations (service §8.1). */
export const featuresSettings = defineSettings({
  FEATURE_SERVICE_API_URL: {
    schema: Type.String({ pattern: "^(https?://.+)?$" }),
    default: "",
    doc: "Where it is asked which features an organisation has; empty has none.",
  },
  FEATURE_SERVICE_API_CERT_PATH: {
    schema: Type.String(),
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
});
