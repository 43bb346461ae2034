import type { SettingValues } from "#base/settings.ts";
import type { Ctx } from "#sdk";
import { accessSettings } from "./access/settings.ts";
import { accountsSettings } from "./accounts/settings.ts";
import { domainsSettings } from "./domains/settings.ts";
import { eventsSettings } from "./events/settings.ts";
import { featuresSettings } from "./features/settings.ts";
import { identitySettings } from "./identity/settings.ts";
import { metricsSettings } from "./metrics/settings.ts";
import { operationsSettings } from "./operations/settings.ts";
import { rulesSettings } from "./rules/settings.ts";
import { syncSettings } from "./syncs/settings.ts";
import { vulnerabilitiesSettings } from "./vulnerabilities/settings.ts";
import { yanksSettings } from "./yanks/settings.ts";

/** What the plugin can be told: what its areas can be told. */
export const serviceSettings = {
  ...identitySettings,
  ...accountsSettings,
  ...accessSettings,
  ...domainsSettings,
  ...operationsSettings,
  ...eventsSettings,
  ...featuresSettings,
  ...yanksSettings,
  ...rulesSettings,
  ...vulnerabilitiesSettings,
  ...metricsSettings,
  ...syncSettings,
};

type ServiceSettings = SettingValues<typeof serviceSettings>;

/** The loader fills the tables of every plugin; the type of `ctx.settings` knows the core's only. */
export const serviceSettingsOf = ({ settings }: Pick<Ctx, "settings">): ServiceSettings =>
  settings as Ctx["settings"] & ServiceSettings;
