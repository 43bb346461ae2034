import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

/** Where events go (service §12.4). */
export const eventsSettings = defineSettings({
  EVENT_WEBHOOK_URL: {
    schema: Type.String({ pattern: "^(https?://.+)?$" }),
    default: "",
    doc: "Where every event goes as JSON by a `POST`, besides its line in the log: repositories made and deleted, publications, changed distributions, sessions. Empty sends nothing. What `REMOTE_DENIED_NETWORKS` forbids is not reached.",
  },
  EVENT_WEBHOOK_SECRET: {
    schema: Type.String(),
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
    schema: Type.String(),
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
});
