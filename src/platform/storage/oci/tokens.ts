import { createHash } from "node:crypto";
import { ambient } from "#base/ambient.ts";
import { storageErrors } from "../errors.ts";
import type { OciOptions } from "./options.ts";

/** What a token lets do with the repository. */
export type Access = "pull" | "pull,push" | "pull,push,delete";

/** Without a word of the registry a token is good for so long (its protocol says). */
const LIFETIME_SECONDS = 60;
/** A token is not used on its last way. */
const MARGIN_SECONDS = 10;

/** Answer to a request for a token. */
export interface TokenAnswer {
  readonly status: number;
  readonly text: string;
}

interface Known {
  readonly header: string;
  readonly untilMs: number;
}

/** Tokens that are kept at once: of the store's own account, and of clients that bring theirs. */
const MOST_KNOWN = 1000;

/**
 * Tokens of one repository, each kept until it expires; who asks at the same time shares one. A
 * store without an account of its own has those of its clients (header `X-Quay-Auth`).
 */
export class Tokens {
  readonly #options: OciOptions;
  readonly #ask: (url: string, authorization: string) => Promise<TokenAnswer>;
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<string>>();

  constructor(
    options: OciOptions,
    ask: (url: string, authorization: string) => Promise<TokenAnswer>,
  ) {
    this.#options = options;
    this.#ask = ask;
  }

  /** Value of the header `authorization`. */
  async header(access: Access): Promise<string> {
    const basic = this.#account();
    const key = keyOf(access, basic);
    const known = this.#known.get(key);
    if (known && performance.now() < known.untilMs) return known.header;
    const asking = this.#asking.get(key) ?? this.#fetch(access, basic);
    this.#asking.set(key, asking);
    return asking.finally(() => this.#asking.delete(key));
  }

  /** The registry does not take this one any more. */
  forget(access: Access): void {
    this.#known.delete(keyOf(access, this.#account()));
  }

  #account(): string {
    const { username, password } = this.#options;
    if (username !== "")
      return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const { registryAuthorization } = ambient() ?? {};
    if (registryAuthorization === undefined)
      throw storageErrors.unavailable("no account for the registry");
    return registryAuthorization;
  }

  async #fetch(access: Access, basic: string): Promise<string> {
    const { origin, registry, repository } = this.#options;
    const url = new URL("/v2/auth", origin);
    url.searchParams.set("service", registry);
    url.searchParams.set("scope", `repository:${repository}:${access}`);
    const asked = performance.now();
    const { status, text } = await this.#ask(url.href, basic);
    // Registries that give no tokens take the password itself.
    const untilMs = (seconds: number) => asked + (seconds - MARGIN_SECONDS) * 1000;
    const key = keyOf(access, basic);
    if (status === 404)
      return this.#keep(key, { header: basic, untilMs: untilMs(LIFETIME_SECONDS) });
    const answer = status === 200 ? parsed(text) : undefined;
    if (answer === undefined) throw storageErrors.unavailable(`no token, status ${status}`);
    const { token, lifetimeSeconds } = answer;
    return this.#keep(key, { header: `Bearer ${token}`, untilMs: untilMs(lifetimeSeconds) });
  }

  #keep(key: string, known: Known): string {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(key, known);
    return known.header;
  }
}

/** Nobody gets the token of somebody else, and no password is kept. */
const keyOf = (access: Access, basic: string): string =>
  `${access} ${createHash("sha256").update(basic).digest("base64")}`;

function parsed(text: string): { token: string; lifetimeSeconds: number } | undefined {
  try {
    const answer = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const token = answer.token ?? answer.access_token;
    const { expires_in: seconds = LIFETIME_SECONDS } = answer;
    if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) return undefined;
    return { token, lifetimeSeconds: typeof seconds === "number" ? seconds : LIFETIME_SECONDS };
  } catch {
    return undefined;
  }
}
