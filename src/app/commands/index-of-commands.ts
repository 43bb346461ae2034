import type { Command } from "./command.ts";
import { convertSettingsCommand } from "./convert-settings.ts";
import { createSettingsCommand } from "./create-settings.ts";
import { dumpPermissionsCommand } from "./dump-permissions.ts";
import { setInitPasswordCommand } from "./init-password.ts";
import {
  checkCommand,
  collectStaticCommand,
  makeMigrationsCommand,
  migrateCommand,
  showMigrationsCommand,
} from "./migrations.ts";
import { openapiCommand } from "./openapi.ts";
import { assignRoleCommand, listRolesCommand, removeRoleCommand } from "./roles.ts";
import { rotateDbKeyCommand } from "./rotate-db-key.ts";
import { routePathsCommand } from "./route-paths.ts";
import { serviceMigrateRbacCommand } from "./service-migrate-rbac.ts";
import { addAdminUsersCommand, createContentSourcesUserCommand } from "./service-users.ts";
import { settingsCommand } from "./settings.ts";
import { dbshellCommand, shellCommand } from "./shells.ts";
import {
  addKeyOfEnvironmentCommand,
  addSigningServiceCommand,
  removeSigningServiceCommand,
} from "./signing-services.ts";
import { createTokenCommand, listTokensCommand, revokeTokenCommand } from "./tokens.ts";
import {
  changePasswordCommand,
  createSuperuserCommand,
  resetAdminPasswordCommand,
} from "./users.ts";
import { waitOnMigrationsCommand, waitOnPostgresCommand } from "./waits.ts";

/** Every sub-command of `pulpcore-manager`, by name. */
export const commands: readonly Command[] = [
  addAdminUsersCommand,
  addSigningServiceCommand,
  addKeyOfEnvironmentCommand,
  assignRoleCommand,
  changePasswordCommand,
  checkCommand,
  collectStaticCommand,
  convertSettingsCommand,
  createContentSourcesUserCommand,
  createSettingsCommand,
  createSuperuserCommand,
  createTokenCommand,
  dbshellCommand,
  dumpPermissionsCommand,
  listRolesCommand,
  listTokensCommand,
  makeMigrationsCommand,
  migrateCommand,
  openapiCommand,
  removeRoleCommand,
  removeSigningServiceCommand,
  resetAdminPasswordCommand,
  revokeTokenCommand,
  rotateDbKeyCommand,
  routePathsCommand,
  serviceMigrateRbacCommand,
  setInitPasswordCommand,
  settingsCommand,
  shellCommand,
  showMigrationsCommand,
  waitOnMigrationsCommand,
  waitOnPostgresCommand,
];
