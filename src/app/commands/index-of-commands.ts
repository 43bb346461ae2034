import type { Command } from "./command.ts";
import { convertSettingsCommand } from "./convert-settings.ts";
import {
  checkCommand,
  collectStaticCommand,
  makeMigrationsCommand,
  migrateCommand,
  showMigrationsCommand,
} from "./migrations.ts";
import { openapiCommand } from "./openapi.ts";
import { rotateDbKeyCommand } from "./rotate-db-key.ts";
import { settingsCommand } from "./settings.ts";
import { dbshellCommand, shellCommand } from "./shells.ts";
import {
  changePasswordCommand,
  createSuperuserCommand,
  resetAdminPasswordCommand,
} from "./users.ts";

/** Every sub-command of `pulpcore-manager`, by name. */
export const commands: readonly Command[] = [
  changePasswordCommand,
  checkCommand,
  collectStaticCommand,
  convertSettingsCommand,
  createSuperuserCommand,
  dbshellCommand,
  makeMigrationsCommand,
  migrateCommand,
  openapiCommand,
  resetAdminPasswordCommand,
  rotateDbKeyCommand,
  settingsCommand,
  shellCommand,
  showMigrationsCommand,
];
