import { repositoryScope, type Scope, scopeText } from "./scopes.ts";

/** Where clients get tokens, and for whom. */
export interface TokenService {
  /** Address of the token server: `iss` of its tokens. */
  readonly realm: string;
  /** Host of the registry as the client wrote it: `aud`. */
  readonly service: string;
}

export type TokenProblem = "invalid_token" | "insufficient_scope";

/**
 * `WWW-Authenticate` of the token mode (RFC 6750 §3). All scopes stand in one attribute, since
 * clients keep only the last, and without commas, at which others cut (plugin-container §7.3.1).
 */
export function bearerChallenge(
  { realm, service }: TokenService,
  scopes: readonly Scope[],
  problem?: TokenProblem,
): string {
  const sayable = scopes.filter(({ name }) => SAYABLE.test(name));
  const attributes = [
    `realm="${realm.replaceAll(UNSAYABLE, "")}"`,
    `service="${service.replaceAll(UNSAYABLE, "")}"`,
    ...(sayable.length > 0 ? [`scope="${scopeText(sayable)}"`] : []),
    ...(problem ? [`error="${problem}"`] : []),
  ];
  return `Bearer ${attributes.join(",")}`;
}

export const BASIC_CHALLENGE = 'Basic realm="api"';

/** Names that are none, such as those with quotes, are not repeated. */
const SAYABLE = /^[\w./:@+~-]{1,512}$/;
const UNSAYABLE = /[^\w./:@+~[\]-]/g;

/** What a request under a name needs; a mount also has to read its source. */
export const neededScopes = (
  name: string,
  { right, from }: { readonly right: "pull" | "push"; readonly from?: string | undefined },
): readonly Scope[] => [
  repositoryScope(name, right),
  ...(from === undefined ? [] : [repositoryScope(from, "pull")]),
];
