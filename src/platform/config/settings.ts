import type { SettingValues } from "#base/settings.ts";
import { contentSettings } from "./content-settings.ts";
import { serverSettings } from "./server-settings.ts";
import { taskSettings } from "./task-settings.ts";

/** Every setting of the core; plugins bring tables of their own. */
export const coreSettings = { ...serverSettings, ...contentSettings, ...taskSettings } as const;

/** The values in force. */
export type Settings = SettingValues<typeof coreSettings>;
