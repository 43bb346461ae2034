import type { MigrationSource } from "#platform/db/migrate.ts";
import { certguard } from "#plugins/certguard/plugin.ts";
import { container } from "#plugins/container/plugin.ts";
import { file } from "#plugins/file/plugin.ts";
import { python } from "#plugins/python/plugin.ts";
import { service } from "#plugins/service/plugin.ts";
import type { Plugin } from "#sdk";

/** The plugins that ship with the program, in the order of their migrations. */
export const shippedPlugins: readonly Plugin[] = [file, certguard, python, container, service];

/** The shipped plugins that `ENABLED_PLUGINS` names; null names all but those to be asked for. */
export function enabledPlugins(names: readonly string[] | null): readonly Plugin[] {
  if (names === null) return shippedPlugins.filter(({ isOptIn }) => !isOptIn);
  const wanted = names.map((name) => name.replace(/^pulp[_-]/, ""));
  return shippedPlugins.filter(({ label }) => wanted.includes(label));
}

/** Migrations of the core and of every shipped plugin, so that enabling one later finds its tables. */
export const migrationSources = (): readonly MigrationSource[] => [
  { label: "core", folder: new URL("../core/migrations/", import.meta.url) },
  ...shippedPlugins.map(({ label, migrations }) => ({ label, folder: migrations })),
];
