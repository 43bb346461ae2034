import { migrateToRoles } from "#plugins/service/access/role-grants.ts";
import { service } from "#plugins/service/plugin.ts";
import { appErrors } from "../errors.ts";
import { prepareAccess } from "../prepare-database.ts";
import { type Command, openCommandRuntime, print } from "./command.ts";
import { told } from "./told.ts";

export const serviceMigrateRbacCommand: Command = {
  name: "service-migrate-rbac",
  usage: "[--dry-run]",
  summary: "Gives tenants of domains the roles that let them keep these where roles decide.",
  options: { "dry-run": { type: "boolean" } },
  async run({ on }) {
    await using runtime = await openCommandRuntime();
    const ctx = runtime.createCtx("api");
    if (!ctx.plugins.all.some(({ label }) => label === service.label)) {
      throw appErrors.usage("There are no tenants: ENABLED_PLUGINS does not name 'service'.");
    }
    // The roles are there once the plugin is enabled and the services have started, or by this.
    await prepareAccess(runtime);
    const isTrial = on["dry-run"] === true;
    const granted = await told(migrateToRoles(ctx, { isTrial }));
    const verb = isTrial ? "would get" : "has got";
    for (const { who, role, domain } of granted)
      print(`The ${who} ${verb} '${role}' in '${domain}'.`);
    print(`${isTrial ? "Missing" : "New"} assignments: ${granted.length}.`);
    return 0;
  },
};
