import { Type } from "@sinclair/typebox";
import { defineSettings, type SettingValues } from "#base/settings.ts";
import type { Ctx } from "#sdk";

/** What the registry can be told (plugin-container §1.2). */
export const registrySettings = defineSettings({
  REGISTRY_MANIFEST_MAX_SIZE: {
    schema: Type.Integer({ minimum: 1024, maximum: 67_108_864 }),
    default: 4_194_304,
    unit: "bytes",
    doc: "Larger manifests are refused.",
  },
  REGISTRY_MOUNT_PREFIXES: {
    schema: Type.Array(Type.String({ pattern: "^[\\w./-]*$" }), { minItems: 1 }),
    default: ["/"],
    doc: "Paths below which the registry answers, such as `/` for `/v2/`. Addresses in its answers begin with the one that the request came by.",
  },
  REGISTRY_ALLOW_TAG_DELETE: {
    schema: Type.Boolean(),
    default: true,
    doc: "Clients of the registry may delete a tag by its name.",
  },
  REGISTRY_CACHE_BYTES: {
    schema: Type.Integer({ minimum: 0 }),
    default: 67_108_864,
    unit: "bytes",
    doc: "Manifests, names of tags, and blobs of up to 2 MiB that are asked for again, as many as one API process keeps in memory; 0 keeps none.",
  },
  REGISTRY_PULL_TIMES_INTERVAL: {
    schema: Type.Integer({ minimum: 0, maximum: 86_400 }),
    default: 60,
    unit: "seconds",
    doc: "How often an API process writes when tags and manifests were pulled last; 0 does not note it.",
  },
});

export type RegistrySettings = SettingValues<typeof registrySettings>;

/** The loader fills the tables of every plugin; the type of `ctx.settings` knows the core's only. */
export const registrySettingsOf = ({ settings }: Pick<Ctx, "settings">): RegistrySettings =>
  settings as Ctx["settings"] & RegistrySettings;

/** Where the core keeps abandoned uploads for ever, those of the registry still go after a day. */
const UPLOAD_MINUTES = 1440;

export const uploadProtectionMinutes = ({ settings }: Pick<Ctx, "settings">): number =>
  settings.UPLOAD_PROTECTION_TIME || UPLOAD_MINUTES;
