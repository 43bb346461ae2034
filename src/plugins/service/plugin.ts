import { definePlugin } from "#sdk";
import { access } from "./access/area.ts";
import { accounts } from "./accounts/area.ts";
import { admin } from "./admin/area.ts";
import { joinAreas } from "./area.ts";
import { domains } from "./domains/area.ts";
import { events } from "./events/area.ts";
import { features } from "./features/area.ts";
import { identity } from "./identity/area.ts";
import { malware } from "./malware/area.ts";
import { metrics } from "./metrics/area.ts";
import { middleware } from "./middleware/area.ts";
import { operations } from "./operations/area.ts";
import { push } from "./push/area.ts";
import { rules } from "./rules/area.ts";
import { serviceSettings } from "./settings.ts";
import { syncs } from "./syncs/area.ts";
import { vulnerabilities } from "./vulnerabilities/area.ts";
import { yanks } from "./yanks/area.ts";

export const service = definePlugin({
  label: "service",
  version: "0.1.0",
  package: "pulp_service",
  module: "pulp_service.app",
  migrations: new URL("./migrations/", import.meta.url),
  isOptIn: true,
  contentTypes: [],
  repositoryTypes: [],
  delivery: [],
  ...joinAreas([
    ...[identity, access, middleware, admin, events, domains, features, yanks, vulnerabilities],
    ...[accounts, metrics, push, malware, rules, operations, syncs],
  ]),
  settings: serviceSettings,
});
