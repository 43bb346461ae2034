import { Type } from "@sinclair/typebox";
import { defineSettings, type SettingValues } from "#base/settings.ts";
import type { Ctx } from "#sdk";

export const pullSettings = defineSettings({
  CONTAINER_PULL_FRESH_SECONDS: {
    schema: Type.Integer({ minimum: 0 }),
    default: 60,
    unit: "seconds",
    doc: "How long a pull-through cache believes what an upstream said about a tag, or that it has no such image, before it asks again.",
  },
  CONTAINER_PULL_ANONYMOUS: {
    schema: Type.Boolean(),
    default: false,
    doc: "Anonymous users may pull images through a cache that it does not have yet, where its distribution is not private.",
  },
});

/** What this plugin brought into the settings of the process. */
export const pullSettingsOf = (ctx: Pick<Ctx, "settings">): SettingValues<typeof pullSettings> =>
  ctx.settings as Ctx["settings"] & SettingValues<typeof pullSettings>;
