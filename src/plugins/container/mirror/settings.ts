import { Type } from "@sinclair/typebox";
import { defineSettings, type SettingValues } from "#base/settings.ts";
import type { Ctx } from "#sdk";

export const mirrorSettings = defineSettings({
  CONTAINER_SYNC_SKIPS_BROKEN: {
    schema: Type.Boolean(),
    default: true,
    doc: "A sync leaves out images that the upstream cannot deliver rightly, keeps what it has under their tags, and names them in a progress report. Without it the first one fails the sync.",
  },
  CONTAINER_SYNC_REFERRERS: {
    schema: Type.Boolean(),
    default: true,
    doc: "A sync also mirrors what is attached to images by the referrers API, such as signatures and SBOMs. It costs a request per image.",
  },
});

/** What this plugin brought into the settings of the process. */
export const mirrorSettingsOf = (
  ctx: Pick<Ctx, "settings">,
): SettingValues<typeof mirrorSettings> =>
  ctx.settings as Ctx["settings"] & SettingValues<typeof mirrorSettings>;
