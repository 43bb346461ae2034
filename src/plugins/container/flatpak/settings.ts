import { Type } from "@sinclair/typebox";
import { defineSettings, type SettingValues } from "#base/settings.ts";
import type { Ctx } from "#sdk";

export const flatpakSettings = defineSettings({
  FLATPAK_INDEX: {
    schema: Type.Boolean(),
    default: false,
    doc: "Serves `/index/static` and `/index/dynamic`, by which `flatpak` finds applications in public repositories.",
  },
});

/** The loader fills the tables of every plugin; the type of `ctx.settings` knows the core's only. */
export const hasFlatpakIndex = ({ settings }: Pick<Ctx, "settings">): boolean =>
  (settings as Ctx["settings"] & SettingValues<typeof flatpakSettings>).FLATPAK_INDEX;
