import type { AccessRules, Plugin } from "#sdk";

type Schedules = Extract<NonNullable<Plugin["schedules"]>, readonly unknown[]>;

/** What one folder of the service brings: its part of the plugin. */
export interface Area extends Pick<Plugin, OnceName>, Partial<Pick<Plugin, ListName | "schemas">> {
  readonly access?: Partial<AccessRules>;
  readonly schedules?: Schedules | ((settings: Settings) => Schedules);
}

type Settings = Parameters<Extract<Plugin["schedules"], (...of: never[]) => unknown>>[0];

type OnceName = "claims" | "pages" | "onDownload" | "listen" | "usesRedis" | "meter" | "pushGate";

type ListName =
  | "entities"
  | "permissionClasses"
  | "authentication"
  | "middleware"
  | "resources"
  | "endpoints"
  | "tasks"
  | "guards"
  | "beforeGuards";

/** The areas as one: lists follow each other, and what there is once is that of its area. */
export function joinAreas(areas: readonly Area[]) {
  const list = <Name extends ListName>(name: Name) =>
    areas.flatMap((area): readonly unknown[] => area[name] ?? []) as unknown as NonNullable<
      Plugin[Name]
    >;
  const once: Pick<Plugin, OnceName> = Object.assign({}, ...areas);
  const { claims, pages, onDownload, listen, usesRedis, meter, pushGate } = once;
  return {
    ...(claims ? { claims } : {}),
    ...(pages ? { pages } : {}),
    ...(onDownload ? { onDownload } : {}),
    ...(listen ? { listen } : {}),
    ...(usesRedis ? { usesRedis } : {}),
    ...(meter ? { meter } : {}),
    ...(pushGate ? { pushGate } : {}),
    access: joinAccess(areas.flatMap(({ access = {} }) => access)),
    entities: list("entities"),
    permissionClasses: list("permissionClasses"),
    authentication: list("authentication"),
    middleware: list("middleware"),
    resources: list("resources"),
    endpoints: list("endpoints"),
    tasks: list("tasks"),
    guards: list("guards"),
    beforeGuards: list("beforeGuards"),
    schemas: Object.assign({}, ...areas.map(({ schemas }) => schemas)) as NonNullable<
      Plugin["schemas"]
    >,
    schedules: (settings: Settings): Schedules =>
      areas.flatMap(({ schedules = [] }) =>
        typeof schedules === "function" ? schedules(settings) : schedules,
      ),
  };
}

const joinAccess = (parts: readonly Partial<AccessRules>[]): AccessRules => ({
  policies: parts.flatMap(({ policies = [] }) => policies),
  models: parts.flatMap(({ models = [] }) => models),
  adminOnly: parts.flatMap(({ adminOnly = [] }) => adminOnly),
  checks: Object.assign({}, ...parts.map(({ checks }) => checks)),
  gatheredRoles: Object.assign({}, ...parts.map(({ gatheredRoles }) => gatheredRoles)),
});
