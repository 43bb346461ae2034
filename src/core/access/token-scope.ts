import { parsePrn } from "#base/prn.ts";

/** What a token may do at most; its owner's rights limit it further. */
export interface TokenScope {
  /**
   * `*` is everything, `read` all that only looks, `file.*` the permissions of one component, and
   * `file.view_filerepository` one permission.
   */
  readonly permissions: readonly string[];
  /** Names of domains; absent is all of them, and what belongs to none. */
  readonly domains?: readonly string[];
  /** PRNs; absent is every object. */
  readonly objects?: readonly string[];
}

/** Something that a token might be used for. */
export interface ScopeQuestion {
  /** Nothing is changed by it: GET, HEAD, a download. */
  readonly isRead: boolean;
  /** `file.view_filerepository`; absent where no permission has a name. */
  readonly permission?: string;
  /** Name of the domain that it happens in; absent for what belongs to none: users, domains, roles. */
  readonly domain?: string;
  /** PRNs of the object and of those that it belongs to; empty for collections. */
  readonly objects?: readonly string[];
}

const WORD = /^(?:\*|read|[a-z][a-z0-9_]*\.(?:\*|[a-z][a-z0-9_]*))$/;

/** What is wrong with a word of `TokenScope.permissions`. */
export const permissionProblem = (word: string): string | undefined =>
  WORD.test(word)
    ? undefined
    : `'${word}' is no scope; write '*', 'read', 'file.*' or a permission as 'file.view_filerepository'.`;

/** What is wrong with a word of `TokenScope.domains`; whether there is one is nobody's business. */
export const domainProblem = (word: string): string | undefined =>
  /^[-a-zA-Z0-9_]{1,50}$/.test(word) ? undefined : `'${word}' is no name of a domain.`;

/** What is wrong with a word of `TokenScope.objects`. */
export const objectProblem = (word: string): string | undefined =>
  parsePrn(word) ? undefined : `'${word}' is no PRN; write prn:file.filerepository:<uuid>.`;

/** Whether a token reaches so far. Its owner has to be asked as well: a scope gives nothing. */
export function scopeAllows(scope: TokenScope | undefined, question: ScopeQuestion): boolean {
  if (!scope) return true;
  return (
    allowsDomain(scope, question) &&
    allowsObject(scope, question) &&
    scope.permissions.some((word) => allowsPermission(word, question))
  );
}

const allowsDomain = ({ domains }: TokenScope, { domain }: ScopeQuestion): boolean =>
  domains === undefined || (domain !== undefined && domains.includes(domain));

const allowsObject = ({ objects }: TokenScope, asked: ScopeQuestion): boolean =>
  objects === undefined || (asked.objects ?? []).some((prn) => objects.includes(prn));

function allowsPermission(word: string, { isRead, permission }: ScopeQuestion): boolean {
  if (word === "*") return true;
  if (word === "read") return isRead;
  if (permission === undefined) return false;
  if (word === permission) return true;
  return word.endsWith(".*") && permission.startsWith(word.slice(0, -1)) && !decidesWho(permission);
}

/**
 * Whoever changes users, groups or roles can give themselves anything, so `core.*` does not mean
 * that; `*`, or the permission's own name, does.
 */
const decidesWho = (permission: string): boolean =>
  /\.(?!view_)\w+_(?:user|group|role|apitoken|accesspolicy)$/.test(permission) ||
  /\.manage_roles_/.test(permission);
