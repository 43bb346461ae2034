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

/** Tokens of one repository, each kept until it expires; who asks at the same time shares one. */
export class Tokens {
  readonly #options: OciOptions;
  readonly #ask: (url: string, authorization: string) => Promise<TokenAnswer>;
  readonly #known = new Map<Access, Known>();
  readonly #asking = new Map<Access, Promise<string>>();

  constructor(
    options: OciOptions,
    ask: (url: string, authorization: string) => Promise<TokenAnswer>,
  ) {
    this.#options = options;
    this.#ask = ask;
  }

  /** Value of the header `authorization`. */
  async header(access: Access): Promise<string> {
    const known = this.#known.get(access);
    if (known && performance.now() < known.untilMs) return known.header;
    const asking = this.#asking.get(access) ?? this.#fetch(access);
    this.#asking.set(access, asking);
    return asking.finally(() => this.#asking.delete(access));
  }

  /** The registry does not take this one any more. */
  forget(access: Access): void {
    this.#known.delete(access);
  }

  async #fetch(access: Access): Promise<string> {
    const { origin, registry, repository, username, password } = this.#options;
    const url = new URL("/v2/auth", origin);
    url.searchParams.set("service", registry);
    url.searchParams.set("scope", `repository:${repository}:${access}`);
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const asked = performance.now();
    const { status, text } = await this.#ask(url.href, basic);
    // Registries that give no tokens take the password itself.
    if (status === 404) return this.#keep(access, basic, asked, LIFETIME_SECONDS);
    const answer = status === 200 ? parsed(text) : undefined;
    if (answer === undefined) throw storageErrors.unavailable(`no token, status ${status}`);
    return this.#keep(access, `Bearer ${answer.token}`, asked, answer.lifetimeSeconds);
  }

  #keep(access: Access, header: string, asked: number, lifetimeSeconds: number): string {
    const untilMs = asked + (lifetimeSeconds - MARGIN_SECONDS) * 1000;
    this.#known.set(access, { header, untilMs });
    return header;
  }
}

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
