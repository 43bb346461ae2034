import { Type } from "@sinclair/typebox";
import { defineSettings, type SettingValues } from "#base/settings.ts";
import type { Ctx } from "#sdk";

export const signSettings = defineSettings({
  MAX_PARALLEL_SIGNING_TASKS: {
    schema: Type.Integer({ minimum: 1, maximum: 1000 }),
    default: 10,
    doc: "Programs of signing services that one task runs at a time.",
  },
});

export const mostSigners = ({ settings }: Pick<Ctx, "settings">): number =>
  (settings as Ctx["settings"] & SettingValues<typeof signSettings>).MAX_PARALLEL_SIGNING_TASKS;
