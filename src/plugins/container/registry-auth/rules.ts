import type { Facts, Held } from "./facts.ts";
import type { Right } from "./scopes.ts";

/** Who asks for a right on a name. */
export interface Asker {
  /** Null is a stranger. */
  readonly username: string | null;
  readonly isSuperuser: boolean;
  /** By roles that are given everywhere or in the domain. */
  has(permission: string): boolean;
  /** Whether a namespace called like a user is that user's in this domain. */
  readonly hasOwnNamespace: boolean;
  /** Whether caches fetch what they have not, whoever asks. */
  readonly opensCaches: boolean;
}

export interface Asked {
  readonly right: Right;
  /** First segment of the name. */
  readonly namespace: string;
  readonly facts: Facts;
}

/** Whether somebody may pull from a name or push to it (plugin-container §9.3). */
export function isAllowed(asker: Asker, { right, namespace, facts }: Asked): boolean {
  if (asker.isSuperuser) return true;
  if (facts.domain === null) return false;
  if (right === "pull" && isOpen(asker, facts)) return true;
  if (asker.username === null) return false;
  if (!facts.namespace) return mayMakeNamespace(asker, namespace);
  return right === "pull"
    ? mayPull(asker, facts, facts.namespace)
    : mayPush(asker, facts, facts.namespace);
}

const isOpen = (asker: Asker, facts: Facts): boolean =>
  facts.distribution?.isPrivate === false || isOpenCache(asker, facts);

function mayPull(asker: Asker, facts: Facts, namespace: Held): boolean {
  const { distribution, pullThrough } = facts;
  if (!distribution) {
    return (
      mayPullThrough(asker, facts) ||
      holds(asker, namespace, "namespace_view_containerdistribution")
    );
  }
  return (
    holds(asker, distribution, "pull_containerdistribution") ||
    holds(asker, namespace, "namespace_pull_containerdistribution") ||
    (pullThrough !== null && mayPullNew(asker, facts))
  );
}

const mayPush = (asker: Asker, { distribution }: Facts, namespace: Held): boolean =>
  distribution
    ? holds(asker, distribution, "push_containerdistribution") ||
      holds(asker, namespace, "namespace_push_containerdistribution")
    : holds(asker, namespace, "namespace_add_containerdistribution");

/** Whether somebody may have content fetched from an upstream that is not here yet. */
export function mayPullNew(asker: Asker, facts: Facts): boolean {
  if (asker.isSuperuser || isOpenCache(asker, facts)) return true;
  if (asker.username === null) return false;
  const { distribution, namespace } = facts;
  const modify = "namespace_modify_content_containerrepository";
  if (distribution && namespace && holds(asker, namespace, modify)) return true;
  return mayPullThrough(asker, facts);
}

const isOpenCache = (asker: Asker, { distribution, pullThrough }: Facts): boolean =>
  asker.opensCaches && pullThrough?.isPrivate === false && distribution?.isPrivate !== true;

const mayPullThrough = (asker: Asker, { pullThrough }: Facts): boolean =>
  pullThrough !== null &&
  (holds(asker, pullThrough.own, "pull_new_containerdistribution") ||
    holds(asker, pullThrough.namespace, "namespace_add_containerdistribution"));

/** A namespace that is not there yet belongs to whoever makes it. */
const mayMakeNamespace = (asker: Asker, name: string): boolean =>
  asker.has("container.add_containernamespace") ||
  (asker.hasOwnNamespace && asker.username === name);

const holds = (asker: Asker, object: Held, permission: string): boolean =>
  object.permissions.has(`container.${permission}`) || asker.has(`container.${permission}`);
