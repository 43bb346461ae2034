import { crudPolicy, may, STANDARD_ROLES } from "#sdk";
import type { Area } from "../area.ts";
import { yankMonitors } from "./monitors.ts";
import { yankSchemas } from "./schemas.ts";
import { checkMonitor, checkMonitors, yankSchedules } from "./tasks.ts";

/** Monitors of releases that the public index has yanked (service §8.3). */
export const yanks: Area = {
  resources: [yankMonitors],
  schemas: yankSchemas,
  tasks: [checkMonitor, checkMonitors],
  schedules: yankSchedules,
  access: {
    policies: [
      // Monitors are of no domain, but who makes one says so in the domain of what it watches.
      crudPolicy("pypi_yank_monitor", "service.pypiyankmonitor", {
        isGlobal: true,
        without: ["update"],
        rules: {
          create: [
            may.modelOrDomain("service.add_pypiyankmonitor"),
            "has_repo_or_repo_ver_param_model_or_domain_or_obj_perms:python.view_pythonrepository",
          ],
          check: [may.modelOrObject("service.change_pypiyankmonitor")],
          report: [may.modelOrObject("service.view_pypiyankmonitor")],
        },
      }),
    ],
    models: [{ model: "service.pypiyankmonitor", isGlobal: true, roles: STANDARD_ROLES }],
  },
};
