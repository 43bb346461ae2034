import type { Ctx } from "#sdk";
import type {
  MadeObjects,
  RegistryAccess,
  RegistryCaller,
  RegistryQuestion,
} from "../registry/access.ts";
import type { RepositoryName } from "../registry/address.ts";
import { registryErrors } from "../registry/errors.ts";
import type { Place } from "../registry/places.ts";
import type { DoorTools, Visit } from "../registry/visit.ts";
import type { Trx } from "../trx.ts";
import {
  BASIC_CHALLENGE,
  bearerChallenge,
  neededScopes,
  type TokenProblem,
  type TokenService,
} from "./challenge.ts";
import { keyFiles } from "./key-files.ts";
import type { KeyBook } from "./keys.ts";
import { type Pulled, pullsOf } from "./pulls.ts";
import { recentToken, recognise, type Who } from "./recognise.ts";
import { RegistryRights, type RegistryUser, type RightOn } from "./rights.ts";
import { CATALOG, type Scope } from "./scopes.ts";
import { registryAuthSettingsOf } from "./settings.ts";
import { StoredKeys } from "./stored-keys.ts";
import { TokenVerifier, type VerifiedToken } from "./token.ts";

type Repository = Extract<RegistryQuestion, { readonly kind: "repository" }>;
type Known = Extract<Who, { readonly kind: "stranger" | "user" | "token" }>;

const REFUSED = "Access to the requested resource is not authorized.";

/** Decides over every request of the registry, with tokens or without (plugin-container §§7.3, 9.3). */
export class RegistryAuth implements RegistryAccess {
  readonly ctx: Ctx;
  readonly tools: DoorTools;
  readonly access: DoorTools["access"];
  readonly rights: RegistryRights;
  /** Undefined while tokens are switched off. */
  readonly keys: KeyBook | undefined;
  readonly #tokens: TokenVerifier | undefined;

  /** @throws `registryAuthErrors.keys` if the keys of the settings cannot be used */
  constructor(tools: DoorTools) {
    const { ctx } = tools;
    const settings = registryAuthSettingsOf({ settings: ctx.settings });
    this.ctx = ctx;
    this.tools = tools;
    this.access = tools.access;
    this.rights = new RegistryRights(ctx, this.access);
    this.keys = settings.TOKEN_AUTH_DISABLED
      ? undefined
      : (keyFiles(settings) ?? new StoredKeys(ctx));
    this.#tokens = this.keys && new TokenVerifier(this.keys, ctx.clock);
  }

  async authorise(visit: Visit, question: RegistryQuestion): Promise<RegistryCaller> {
    const service = this.service(visit);
    const tokens = this.#tokens;
    const who = await recognise({ tools: this.tools, access: this.access, tokens }, visit, service);
    const scopes = scopesFor(question);
    if (who.kind === "badToken") {
      throw this.#unauthorized(service, scopes, { problem: "invalid_token", message: BAD_TOKEN });
    }
    if (who.kind === "refused") {
      throw this.#unauthorized(service, scopes, { message: who.message });
    }
    const asked = { service, scopes };
    switch (question.kind) {
      case "ping":
        this.#admitToPing(who, asked);
        break;
      case "catalog":
        this.#admitToCatalog(who, asked);
        break;
      case "repository":
        await this.#admitToRepository(who, question, { ...asked, request: visit.exchange.request });
        break;
      default:
        return question satisfies never;
    }
    return this.#callerOf(who, visit.exchange.request);
  }

  /** Only who shows a token: all that a token says and its user may is at hand for a moment. */
  mayRecall(visit: Visit, place: Place): boolean {
    const { tools, access } = this;
    // Another permission class, and what stands before guards, are asked at every request.
    if (tools.decide || (tools.refuses && place.guard)) return false;
    const who = recentToken({ tools, access, tokens: this.#tokens }, visit, this.service(visit));
    if (!who?.token.repositories.get(place.name)) return false;
    if (!place.isPrivate) return true;
    const { domain, basePath } = place;
    const asked = { right: "pull", domain: domain.name, basePath, state: "private" } as const;
    return this.rights.known(who.user, asked) === true;
  }

  /** Where the clients of this request get their tokens. */
  service({ exchange: { request }, prefix }: Pick<Visit, "exchange" | "prefix">): TokenService {
    const { TOKEN_SERVER: fixed } = registryAuthSettingsOf(this.ctx);
    const { protocol, host } = this.tools.originOf(request);
    return { realm: fixed ?? `${protocol}://${host}${prefix}token/`, service: host };
  }

  async created(trx: Trx, { user }: RegistryCaller, made: MadeObjects): Promise<void> {
    const domain = made.domain.num;
    const objects = MADE.flatMap(({ of, viewset, model }) => {
      const id = made[of];
      return id === null ? [] : [{ viewset, object: { model, id, domain } }];
    });
    const owner = user && { ...user, isSuperuser: false, isActive: true };
    const caller = { domain: made.domain, user: owner, correlationId: "" };
    await this.access.made(trx, caller, objects);
    this.rights.forget();
  }

  /** Any token that is in force will do: it says who asks, whatever it grants. */
  #admitToPing(who: Known, asked: Asked): void {
    if (who.kind !== "stranger") return;
    if (this.#tokens) throw this.#unauthorized(asked.service, asked.scopes);
    if (registryAuthSettingsOf(this.ctx).REGISTRY_ANONYMOUS_PULL) return;
    throw who.hasMarker ? registryErrors.denied() : this.#unauthorized(asked.service, []);
  }

  #admitToCatalog(who: Known, asked: Asked): void {
    if (who.kind === "token" && !who.token.hasCatalog) throw this.#insufficient(asked);
    if (who.kind === "stranger" || who.user === null) throw this.#refusal(who, asked);
    if (!this.reachesCatalog(who.user)) throw this.#refusal(who, asked);
  }

  /** A list of names is something to read; what is on it is decided name by name. */
  reachesCatalog(user: RegistryUser): boolean {
    return ["pull", "push"].some((verb) =>
      this.access.reaches(
        { ...user, ...(user.scope ? { scope: { permissions: user.scope.permissions } } : {}) },
        { isRead: true, permission: `container.${verb}_containerdistribution` },
      ),
    );
  }

  async #admitToRepository(
    who: Known,
    question: Repository,
    asked: Asked & { readonly request: Request },
  ): Promise<void> {
    if (who.kind === "token" && !covers(who.token, question)) throw this.#insufficient(asked);
    if (who.kind === "stranger" && this.#tokens) throw this.#refusal(who, asked);
    const { action, name } = question;
    const place = await question.place();
    const { request } = asked;
    const isOpen = action === "pull" && place?.isPrivate === false;
    const state = place ? (place.isPrivate ? "private" : "public") : "absent";
    const { domain, basePath } = name;
    const user = who.kind === "stranger" ? null : who.user;
    const own = () => isOpen || this.rights.has(user, { right: action, domain, basePath, state });
    const isAllowed = await this.#decide(request, { user, domain, right: action }, own);
    if (!isAllowed) throw this.#refusal(who, asked);
    const passage = { below: question.below, isRead: action === "pull" };
    if (place && (await this.#isStopped(request, place, passage))) throw registryErrors.denied();
  }

  /** What stands before the content guard of a distribution is about the registry, too. */
  async #isStopped(
    request: Request,
    { guard, domain, basePath }: Place,
    passage: { readonly below: string; readonly isRead: boolean },
  ): Promise<boolean> {
    const { refuses } = this.tools;
    if (!refuses || !guard) return false;
    return refuses(request, { domain, guard, basePath, ...passage });
  }

  /** What the permission class of the installation says, which may ask our own rules. */
  async #decide(
    request: Request,
    { user, domain, right }: Decided,
    own: () => boolean | Promise<boolean>,
  ): Promise<boolean> {
    const { decide } = this.tools;
    if (!decide) return own();
    const asked = { user, domain, isRead: right === "pull", viewset: "registry" };
    return decide(request, asked, own);
  }

  /** The same for what is not there and what is not to be seen. */
  #refusal(who: Known, asked: Asked): Error {
    if (who.kind === "token") return this.#insufficient(asked);
    if (who.kind === "user" || who.hasMarker) {
      return this.#tokens && who.kind === "stranger"
        ? this.#unauthorized(asked.service, asked.scopes)
        : registryErrors.denied();
    }
    return this.#unauthorized(asked.service, asked.scopes);
  }

  #insufficient({ service, scopes }: Asked): Error {
    const message = "Insufficient permissions";
    return this.#unauthorized(service, scopes, { problem: "insufficient_scope", message });
  }

  #unauthorized(
    service: TokenService,
    scopes: readonly Scope[],
    { problem, message }: { readonly problem?: TokenProblem; readonly message?: string } = {},
  ): Error {
    const challenge = this.#tokens ? bearerChallenge(service, scopes, problem) : BASIC_CHALLENGE;
    return registryErrors.unauthorized(challenge, message);
  }

  #callerOf(who: Known, request: Request): RegistryCaller {
    const user = who.kind === "stranger" ? null : who.user;
    const pulls = pullsOf(this.ctx, this.access, user);
    const isAllowed = (place: Pulled) =>
      this.tools.decide
        ? this.#decide(request, { user, domain: place.domain.name, right: "pull" }, () =>
            pulls(place),
          )
        : pulls(place);
    const mayPull = this.tools.refuses
      ? async (place: Place) =>
          (await isAllowed(place)) &&
          !(await this.#isStopped(request, place, { below: "", isRead: true }))
      : isAllowed;
    if (who.kind === "stranger") return { ...STRANGER, mayPull };
    const mayPullNew = ({ domain, basePath }: RepositoryName) =>
      this.#decide(request, { user, domain, right: "pullNew" }, () =>
        this.rights.has(user, { right: "pullNew", domain, basePath }),
      );
    if (who.kind === "user") return { user, by: who.by, mayPull, mayPullNew };
    const { hasCatalog, repositories } = who.token;
    // A token that was asked for one name opens no other private one, whosever it is.
    return {
      user,
      by: "token",
      mayPull: (place) =>
        !place.isPrivate || hasCatalog || repositories.get(place.name) !== undefined
          ? mayPull(place)
          : false,
      mayPullNew: (name) => repositories.get(name.full) !== undefined && mayPullNew(name),
    };
  }
}

const STRANGER = {
  user: null,
  by: null,
  challenge: BASIC_CHALLENGE,
  mayPullNew: () => false,
};

type Request = Visit["exchange"]["request"];

interface Decided {
  readonly user: RegistryUser | null;
  /** Name */
  readonly domain: string;
  readonly right: RightOn["right"];
}

interface Asked {
  readonly service: TokenService;
  readonly scopes: readonly Scope[];
}

const BAD_TOKEN = `${REFUSED} The provided Bearer token is invalid.`;

/** Of the source of a mount it is enough that it was asked for: without a right it is an upload. */
function covers({ repositories }: VerifiedToken, { name, action, from }: Repository): boolean {
  const granted = repositories.get(name.full);
  const isEnough = granted === "push" || (granted === "pull" && action === "pull");
  return isEnough && (from === undefined || repositories.has(from));
}

function scopesFor(question: RegistryQuestion): readonly Scope[] {
  if (question.kind === "ping") return [];
  if (question.kind === "catalog") return [CATALOG];
  const { name, action: right, from } = question;
  return neededScopes(name.full, { right, from });
}

/** Whose policies say what their makers get. */
const MADE = [
  {
    of: "distribution",
    viewset: "distributions/container/container",
    model: "container.containerdistribution",
  },
  {
    of: "repository",
    viewset: "repositories/container/container",
    model: "container.containerrepository",
  },
] as const;

const opened = new WeakMap<DoorTools, RegistryAuth>();

/** One for all doors of a server. */
export function registryAuth(tools: DoorTools): RegistryAuth {
  const known = opened.get(tools) ?? new RegistryAuth(tools);
  opened.set(tools, known);
  return known;
}
