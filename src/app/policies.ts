import type { CorePlugin } from "#core/plugin-contract.ts";
import { isAction, listed } from "#core/policies/rules.ts";
import type { Policy } from "#core/policies/types.ts";
import type { Route } from "#rest/kit/routes.ts";

/**
 * Every address says who may come: by a policy that speaks of each operation, or that only
 * administrators may.
 *
 * @throws `Error` that names what has neither, and what is said about an address that is not there.
 */
export function requirePolicies(plugins: readonly CorePlugin[], routes: readonly Route[]): void {
  const access = plugins.map((plugin) => plugin.access);
  const policies = new Map(
    access.flatMap((one) => one.policies.map((policy) => [policy.viewset, policy] as const)),
  );
  const said = new Set([...policies.keys(), ...access.flatMap(({ adminOnly }) => adminOnly)]);
  const wanted = new Set(routes.filter((route) => !needsNone(route)).map(({ name }) => name));
  const silent = [...wanted].filter((name) => !said.has(name));
  if (silent.length > 0) throw new Error(`Nobody says who may use ${silent.join(", ")}.`);
  const idle = [...said].filter((name) => !wanted.has(name));
  if (idle.length > 0)
    throw new Error(`There are policies for ${idle.join(", ")}, which nobody serves.`);
  const closed = routes.flatMap((route) => closedOperations(route, policies.get(route.name)));
  if (closed.length > 0)
    throw new Error(`Not even administrators may ${closed.join(", ")}: no statement names it.`);
}

/** Those that anybody may use, and those that decide by themselves. */
const needsNone = ({ operations }: Route): boolean =>
  operations.every(({ isPublic, admits }) => isPublic === true || admits !== undefined);

/** Operations that no statement of the policy is about, so that nobody could ever use them. */
const closedOperations = ({ name, operations }: Route, policy: Policy | undefined): string[] =>
  operations
    .filter(({ isPublic, permission, method }) => {
      const asked = { action: permission, method };
      const isNamed = policy?.statements.some(({ action }) =>
        listed(action).some((one) => isAction(one, asked)),
      );
      return isPublic !== true && isNamed === false;
    })
    .map(({ permission }) => `${permission} ${name}`);
