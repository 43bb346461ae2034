import type { SettingValues } from "#base/settings.ts";
import { accessSettings } from "./access-settings.ts";
import { advisorySettings } from "./advisory-settings.ts";
import { compatSettings, foreignPluginSettings } from "./compat-settings.ts";
import { contentSettings } from "./content-settings.ts";
import { redisSettings } from "./redis-settings.ts";
import { scanSettings } from "./scan-settings.ts";
import { serverSettings } from "./server-settings.ts";
import { storageSettings } from "./storage-settings.ts";
import { taskSettings } from "./task-settings.ts";
import { telemetrySettings } from "./telemetry-settings.ts";

/** Every setting of the core; plugins bring tables of their own. */
export const coreSettings = {
  ...serverSettings,
  ...storageSettings,
  ...accessSettings,
  ...contentSettings,
  ...taskSettings,
  ...telemetrySettings,
  ...scanSettings,
  ...advisorySettings,
  ...redisSettings,
} as const;

/** Also the names that are accepted for the sake of existing settings files. */
export const allSettings = {
  ...foreignPluginSettings,
  ...compatSettings,
  ...coreSettings,
} as const;

/** The values in force. */
export type Settings = SettingValues<typeof coreSettings>;
