import type { PluginRegistry } from "../plugin-contract.ts";
import type { AccessModel } from "../policies/types.ts";

type Plugins = Pick<PluginRegistry, "all">;

const PLAIN_VERBS = ["add", "view", "change", "delete"] as const;
const VERBS = [...PLAIN_VERBS, "manage_roles"] as const;

const permission = (model: string, verb: string): string =>
  verb.includes(".") ? verb : model.replace(".", `.${verb}_`);

/** The models of every component. */
export const accessModels = ({ all }: Plugins): readonly AccessModel[] =>
  all.flatMap(({ access }) => access.models);

const permissionsOf = ({ model, isPlain, extras = [] }: AccessModel): readonly string[] => [
  ...(isPlain ? PLAIN_VERBS : VERBS).map((verb) => permission(model, verb)),
  ...extras,
];

/** Every permission that means something on an object of the model: `core.view_task`, … */
export const modelPermissions = (plugins: Plugins, model: string): readonly string[] =>
  accessModels(plugins)
    .filter((known) => known.model === model)
    .flatMap(permissionsOf);

/** Every permission that there is. */
export const allPermissions = (plugins: Plugins): ReadonlySet<string> =>
  new Set(accessModels(plugins).flatMap(permissionsOf));

/** Permissions that mean something in a domain. */
export const domainPermissions = (plugins: Plugins): readonly string[] =>
  accessModels(plugins)
    .filter(({ isGlobal }) => !isGlobal)
    .flatMap(permissionsOf);

/** Models whose objects carry roles. */
export const roleModels = (plugins: Plugins): readonly string[] =>
  accessModels(plugins)
    .filter(({ isPlain }) => !isPlain)
    .map(({ model }) => model);

/** Role name → its permissions, of the roles that ship (core-rest §7.3). */
export const lockedRoles = (plugins: Plugins): ReadonlyMap<string, readonly string[]> =>
  new Map(
    accessModels(plugins).flatMap(({ model, roles = {} }) =>
      Object.entries(roles).map(([end, verbs]) => [
        end.includes(".") ? end : `${model}_${end}`,
        verbs.map((verb) => permission(model, verb)),
      ]),
    ),
  );

/** Role name → its permissions, of the roles that are gathered from every component (service §5.4). */
export function gatheredRoles(plugins: Plugins): ReadonlyMap<string, readonly string[]> {
  const all = [...allPermissions(plugins)];
  const roles = plugins.all.flatMap(({ access }) => Object.entries(access.gatheredRoles ?? {}));
  return new Map(roles.map(([name, isPart]) => [name, all.filter(isPart)]));
}
