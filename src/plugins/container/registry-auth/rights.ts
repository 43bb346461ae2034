import { prn } from "#base/prn.ts";
import type { Ctx } from "#sdk";
import { pullSettingsOf } from "../pull/settings.ts";
import type { DoorTools } from "../registry/visit.ts";
import { type Facts, factsOf, type PlacedName } from "./facts.ts";
import { type Asker, isAllowed, mayPullNew } from "./rules.ts";
import type { Right } from "./scopes.ts";

type Access = DoorTools["access"];
export type RegistryUser = NonNullable<Awaited<ReturnType<Access["activeUser"]>>>;

/** A right that is asked for on a name. */
export interface RightOn extends PlacedName {
  readonly right: Right | "pullNew";
  /** What is known of the name already: what was decided while it was another way does not count. */
  readonly state?: "public" | "private" | "absent";
}

/** Changes that nobody has told of count after this time at the latest. */
const BELIEVED_MS = 3000;
const MAX_KNOWN = 20_000;

interface Known {
  readonly isAllowed: boolean;
  readonly until: number;
}

/** Permission that the scope of an API token has to contain. */
const SCOPES = {
  pull: "container.pull_containerdistribution",
  push: "container.push_containerdistribution",
  pullNew: "container.pull_new_containerdistribution",
} as const;

/**
 * Decides over pulls and pushes (plugin-container §9.3): one statement for any number of names, and
 * none for a moment after it. What strangers may do, everybody may do, whatever a token says.
 */
export class RegistryRights {
  readonly #ctx: Ctx;
  readonly #access: Access;
  readonly #known = new Map<string, Known>();
  /** Counts changes, so that a decision that began before one is not remembered after it. */
  #changes = 0;

  constructor(ctx: Ctx, access: Access) {
    this.#ctx = ctx;
    this.#access = access;
    access.onChange(() => this.forget());
  }

  /** Rights, distributions or namespaces have changed. */
  forget(): void {
    this.#changes += 1;
    this.#known.clear();
  }

  /** What was decided a moment ago, and nobody has told of a change since. */
  known(user: RegistryUser | null, asked: RightOn): boolean | undefined {
    const known = this.#known.get(keyOf(user, asked));
    return known && known.until > this.#ctx.clock.now() ? known.isAllowed : undefined;
  }

  async has(user: RegistryUser | null, asked: RightOn): Promise<boolean> {
    const known = this.known(user, asked);
    if (known !== undefined) return known;
    const [isAllowed = false] = await this.hasEach(user, [asked]);
    return isAllowed;
  }

  /** Of each whether it is allowed, in their order. */
  async hasEach(user: RegistryUser | null, asked: readonly RightOn[]): Promise<readonly boolean[]> {
    if (asked.length === 0) return [];
    const changes = this.#changes;
    const nowhere = { num: 0, id: "", name: "" };
    const { subjects } = await this.#access.rightsOf({ user, domain: nowhere });
    const facts = await factsOf(this.#ctx, asked, subjects);
    const answers = await Promise.all(
      asked.map((one, index) => this.#decide(user, one, facts[index])),
    );
    if (changes === this.#changes) this.#keep(user, asked, answers);
    return answers;
  }

  async #decide(
    user: RegistryUser | null,
    asked: RightOn,
    facts: Facts | undefined,
  ): Promise<boolean> {
    if (!facts) return false;
    const { right, basePath } = asked;
    const [namespace = ""] = basePath.split("/", 1);
    const asks = (asker: Asker) =>
      right === "pullNew"
        ? mayPullNew(asker, facts)
        : isAllowed(asker, { right, namespace, facts });
    const { CONTAINER_PULL_ANONYMOUS: opensCaches } = pullSettingsOf(this.#ctx);
    if (asks({ ...STRANGER, opensCaches })) return true;
    return (
      user !== null &&
      this.#reaches(user, asked, facts) &&
      asks(await this.#asker(user, asked, facts))
    );
  }

  async #asker(user: RegistryUser, { domain: name }: RightOn, { domain }: Facts): Promise<Asker> {
    const rights = await this.#access.rightsOf({
      user,
      domain: { num: domain ?? 0, id: "", name },
    });
    return {
      username: user.username,
      isSuperuser: user.isSuperuser,
      has: (permission) => rights.onModel(permission) || rights.onDomain(permission),
      // In the domains of others a user's name says nothing.
      hasOwnNamespace: name === "default",
      // Strangers were asked for already.
      opensCaches: false,
    };
  }

  #reaches(user: RegistryUser, { right, domain }: RightOn, facts: Facts): boolean {
    return reaches(this.#access, user, { right, domain, objects: prnsOf(facts) });
  }

  #keep(user: RegistryUser | null, asked: readonly RightOn[], answers: readonly boolean[]): void {
    if (this.#known.size + asked.length > MAX_KNOWN) this.#known.clear();
    const until = this.#ctx.clock.now() + BELIEVED_MS;
    for (const [index, one] of asked.entries()) {
      this.#known.set(keyOf(user, one), { isAllowed: answers[index] === true, until });
    }
  }
}

/**
 * Whether the API token that somebody has shown is meant for this; without a token it always is.
 * A token for pushes serves for pulls, too.
 */
export function reaches(
  access: Access,
  user: RegistryUser,
  asked: {
    readonly right: RightOn["right"];
    readonly domain: string;
    readonly objects: readonly string[];
  },
): boolean {
  const { right, domain, objects } = asked;
  const isRead = right !== "push";
  const words = right === "pull" ? [SCOPES.pull, SCOPES.push] : [SCOPES[right]];
  return words.some((permission) => access.reaches(user, { isRead, permission, domain, objects }));
}

const STRANGER: Asker = {
  username: null,
  isSuperuser: false,
  has: () => false,
  hasOwnNamespace: false,
  opensCaches: false,
};

const keyOf = (user: RegistryUser | null, one: RightOn): string =>
  `${user?.id ?? 0} ${user?.tokenId ?? ""} ${one.right} ${one.state ?? ""} ${one.domain}/${one.basePath}`;

/** Models of repositories by their type. */
const REPOSITORY_MODELS: Readonly<Record<string, string>> = {
  "container.container": "container.containerrepository",
  "container.container-push": "container.containerpushrepository",
};

/** The objects that a name leads to. */
interface Named {
  readonly distribution: { readonly id: string } | null;
  readonly namespace: { readonly id: string } | null;
  readonly repository: { readonly id: string; readonly type: string } | null;
  readonly pullThrough: { readonly own: { readonly id: string } } | null;
}

/** What a token may name to reach a repository: itself, its namespace, or what it is served by. */
export function prnsOf({
  distribution,
  namespace,
  repository,
  pullThrough,
}: Named): readonly string[] {
  const model = REPOSITORY_MODELS[repository?.type ?? ""];
  return [
    ...(distribution ? [prn("container.containerdistribution", distribution.id)] : []),
    ...(namespace ? [prn("container.containernamespace", namespace.id)] : []),
    ...(repository && model ? [prn(model, repository.id)] : []),
    ...(pullThrough ? [prn("container.containerpullthroughdistribution", pullThrough.own.id)] : []),
  ];
}
