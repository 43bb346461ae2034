import { repositoryName } from "../registry/address.ts";
import type { RegistryAuth } from "./registry-auth.ts";
import type { RegistryUser, RightOn } from "./rights.ts";
import { actionsOf, CATALOG, type Right, rightFor, type Scope } from "./scopes.ts";

/**
 * What of the scopes somebody is granted: an entry for each, with no actions where nothing is.
 * Costs one statement for all of them.
 */
export async function grantedScopes(
  auth: RegistryAuth,
  user: RegistryUser | null,
  scopes: readonly Scope[],
): Promise<readonly Scope[]> {
  const { DOMAIN_ENABLED } = auth.ctx.settings;
  const questions = scopes.flatMap(({ type, name, actions }) => {
    const place = type === "repository" ? repositoryName(name, DOMAIN_ENABLED) : undefined;
    return place ? rightsFor(actions).map((right) => ({ ...place, right })) : [];
  });
  // Where another permission class decides, it is asked at every request, and knows more than we do.
  const answers = auth.tools.decide
    ? questions.map(() => true)
    : await auth.rights.hasEach(user, questions);
  const granted = new Set(
    questions.flatMap((one, index) => (answers[index] ? [grantKey(one.full, one.right)] : [])),
  );
  return scopes.map((scope) => ({
    type: scope.type,
    name: scope.name,
    actions: isCatalog(scope)
      ? catalogActions(auth, user, scope)
      : actionsOf(
          rightsFor(scope.actions).find(
            (right) => scope.type === "repository" && granted.has(grantKey(scope.name, right)),
          ),
        ),
  }));
}

/** The rights that would do, the greatest first: a client that asks for both takes either. */
function rightsFor(actions: readonly string[]): readonly (Right & RightOn["right"])[] {
  const most = rightFor(actions);
  if (most === undefined) return [];
  return most === "push" && actions.includes("pull") ? ["push", "pull"] : [most];
}

const grantKey = (name: string, right: Right): string => `${right} ${name}`;

const isCatalog = ({ type, name }: Scope): boolean =>
  type === CATALOG.type && name === CATALOG.name;

const catalogActions = (
  auth: RegistryAuth,
  user: RegistryUser | null,
  { actions }: Scope,
): readonly string[] =>
  user !== null && actions.includes("*") && auth.reachesCatalog(user) ? CATALOG.actions : [];
