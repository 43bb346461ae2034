import type { CorePlugin, TaskDefinition } from "#core/plugin-contract.ts";
import { purgeTasks } from "#core/tasks/purge.ts";
import { type ApiIndex, indexApi } from "#rest/kit/api-index.ts";
import { createGeneralTasks, type GeneralTasks } from "#rest/kit/general-tasks.ts";
import type { Endpoint, Resource } from "#rest/kit/resource.ts";
import type { Plugin } from "#sdk";
import { CORE_VERSION } from "./version.ts";

/** What this program is made of: the core and the enabled plugins, each part for its owner. */
export interface Composition {
  /** Core first. */
  readonly plugins: readonly CorePlugin[];
  readonly shipped: readonly Plugin[];
  readonly api: ApiIndex;
  readonly generalTasks: GeneralTasks;
}

const coreResources: readonly Resource[] = [];
const coreEndpoints: readonly Endpoint[] = [];
const coreTasks: readonly TaskDefinition[] = [purgeTasks];

export function compose(shipped: readonly Plugin[]): Composition {
  const api = indexApi({
    resources: [...coreResources, ...shipped.flatMap(({ resources }) => resources)],
    endpoints: coreEndpoints,
    schemas: {},
  });
  const generalTasks = createGeneralTasks(api);
  const core: CorePlugin = {
    label: "core",
    version: CORE_VERSION,
    package: "pulpcore",
    module: "pulpcore.app",
    migrations: new URL("../core/migrations/", import.meta.url),
    entities: [],
    contentTypes: [],
    repositoryTypes: [],
    tasks: [...coreTasks, ...generalTasks.definitions],
  };
  return { plugins: [core, ...shipped], shipped, api, generalTasks };
}
