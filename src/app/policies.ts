import type { CorePlugin } from "#core/plugin-contract.ts";
import type { Route } from "#rest/kit/routes.ts";

/**
 * Every address says who may come: by a policy, or that only administrators may.
 *
 * @throws `Error` that names what has neither, and what is said about an address that is not there.
 */
export function requirePolicies(plugins: readonly CorePlugin[], routes: readonly Route[]): void {
  const wanted = new Set(routes.filter((route) => !isPublic(route)).map(({ name }) => name));
  const said = new Set(
    plugins.flatMap(({ access }) => [
      ...access.policies.map(({ viewset }) => viewset),
      ...access.adminOnly,
    ]),
  );
  const silent = [...wanted].filter((name) => !said.has(name));
  if (silent.length > 0) throw new Error(`Nobody says who may use ${silent.join(", ")}.`);
  const idle = [...said].filter((name) => !wanted.has(name));
  if (idle.length > 0)
    throw new Error(`There are policies for ${idle.join(", ")}, which nobody serves.`);
}

const isPublic = ({ operations }: Route): boolean =>
  operations.every((operation) => operation.isPublic === true);
