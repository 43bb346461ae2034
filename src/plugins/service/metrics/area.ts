import { crudPolicy, may, plainPolicy } from "#sdk";
import type { Area } from "../area.ts";
import { businessMetrics } from "./business/endpoints.ts";
import { cleanUpMetrics, metricsSchedules, sampleStorage } from "./clean-up.ts";
import { serviceMeter } from "./meter.ts";
import { packageDownloads } from "./rest.ts";

/** What is counted and never made by requests. */
const WRITES = [
  ...["create", "update", "partial_update", "destroy", "set_label", "unset_label"],
  ...["my_permissions", "list_roles", "add_role", "remove_role"],
];

/** What is downloaded and asked for (service §§9.4, 9.5). */
export const metrics: Area = {
  resources: [packageDownloads],
  endpoints: businessMetrics,
  meter: serviceMeter,
  tasks: [cleanUpMetrics, sampleStorage],
  schedules: metricsSchedules,
  access: {
    policies: [
      crudPolicy("rpm_package_download", "service.rpmpackagedownload", {
        without: WRITES,
        makerRoles: [],
      }),
      plainPolicy("business_metrics", {
        get: [may.modelOrDomain("service.view_rpmpackagedownload")],
      }),
    ],
    models: [{ model: "service.rpmpackagedownload", roles: { viewer: ["view"] } }],
  },
};
