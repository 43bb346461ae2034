import { Type } from "@sinclair/typebox";
import { defineSettings } from "#base/settings.ts";

const name = Type.String({ minLength: 1, maxLength: 255 });

/** Types whose repositories are synced by schedules, as their names in the setting. */
export const SYNCED_TYPES = ["python", "file", "container"] as const;
export type SyncedType = (typeof SYNCED_TYPES)[number];

const scheduledSync = Type.Object(
  {
    domain: name,
    type: Type.Union(SYNCED_TYPES.map((type) => Type.Literal(type))),
    repository: name,
    remote: name,
    /** Minutes. */
    interval: Type.Optional(Type.Integer({ minimum: 1, maximum: 527_040 })),
    mirror: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** Syncs that nobody has to ask for (service §19). */
export const syncSettings = defineSettings({
  SCHEDULED_SYNCS: {
    schema: Type.Array(scheduledSync, { maxItems: 10_000 }),
    default: [],
    doc: "Repositories that are synced again and again: a list of maps with the names of `domain`, `repository` and `remote`, the `type` (`python`, `file` or `container`), and optionally `interval` in minutes (1440) and `mirror` (false). A repository that is not there is left alone; without its remote the task fails.",
  },
});
