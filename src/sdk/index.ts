/** The only door for plugins: what a plugin may use, and the type of what it brings. */
import type { CorePlugin } from "#core/plugin-contract.ts";
import type { ContentHandler } from "#delivery/contract.ts";
import type { Resource } from "#rest/kit/resource.ts";

/** Everything that a plugin brings; a plugin is one value of this type. */
export interface Plugin extends CorePlugin {
  readonly resources: readonly Resource[];
  /** How its distributions are served beyond publications and versions. */
  readonly delivery: readonly ContentHandler[];
  /** Its own settings. */
  readonly settings?: SettingSpecs;
}

/** Keeps the type and checks nothing at run time: what is not listed here does not exist. */
export const definePlugin = (plugin: Plugin): Plugin => plugin;
