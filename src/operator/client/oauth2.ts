import { operatorErrors } from "../errors.ts";

/** Where tokens come from, and what for. */
export interface TokenEndpoint {
  readonly tokenUrl: string;
  readonly scope?: string;
}

/** An account of a program at an issuer of tokens, which the server names where nobody else does. */
export interface ClientCredentials extends Partial<TokenEndpoint> {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Asks the issuer; resolves to status and body, whatever they are. */
export type PostForm = (
  url: string,
  form: URLSearchParams,
  headers: Readonly<Record<string, string>>,
) => Promise<{ readonly status: number; readonly text: string }>;

export interface TokenMeans {
  readonly post: PostForm;
  /** Asked where the credentials name no endpoint. */
  readonly discover: () => Promise<TokenEndpoint>;
}

/** A token is not used in its last moments: the way to the server takes a while. */
const MARGIN_MS = 30_000;

interface Token {
  readonly text: string;
  /** Infinity if the issuer does not say. */
  readonly endsMs: number;
}

/**
 * Tokens of the client-credentials grant (RFC 6749 §4.4). One is kept until it is about to expire or
 * the server refuses it; callers at the same time share one request to the issuer.
 */
export class TokenSource {
  readonly #credentials: ClientCredentials;
  readonly #means: TokenMeans;
  readonly #now: () => number;
  #token: Promise<Token> | undefined;

  constructor(credentials: ClientCredentials, means: TokenMeans, now: () => number = Date.now) {
    this.#credentials = credentials;
    this.#means = means;
    this.#now = now;
  }

  /** @throws `operatorErrors.token` with what the issuer says, never with the secret */
  async token(): Promise<string> {
    const kept = this.#token;
    if (kept) {
      const token = await kept;
      if (token.endsMs > this.#now()) return token.text;
      if (this.#token === kept) this.#token = undefined;
    }
    this.#token ??= this.#begin();
    return (await this.#token).text;
  }

  /** Forgets a token that was refused, unless another has taken its place already. */
  async forget(refused: string): Promise<void> {
    if ((await this.#token)?.text === refused) this.#token = undefined;
  }

  /** A failure is for those who wait; the next one asks again. */
  #begin(): Promise<Token> {
    const asked = this.#ask();
    asked.catch(() => {
      if (this.#token === asked) this.#token = undefined;
    });
    return asked;
  }

  async #ask(): Promise<Token> {
    const { clientId, clientSecret } = this.#credentials;
    const { tokenUrl, scope } = await this.#endpoint();
    const form = new URLSearchParams({ grant_type: "client_credentials" });
    if (scope !== undefined) form.set("scope", scope);
    const pair = [clientId, clientSecret].map(formEncoded).join(":");
    const authorization = `Basic ${Buffer.from(pair).toString("base64")}`;
    const { status, text } = await this.#means.post(tokenUrl, form, { authorization });
    const answer = parsed(text);
    const { access_token: token, expires_in: seconds, token_type: type } = answer;
    if (status !== 200 || typeof token !== "string" || token === "") {
      throw operatorErrors.token(tokenUrl, refusalOf(status, answer));
    }
    if (typeof type === "string" && type.toLowerCase() !== "bearer") {
      throw operatorErrors.token(tokenUrl, `it is of the type ${type} instead of Bearer`);
    }
    return { text: token, endsMs: this.#now() + lifetimeMs(seconds) };
  }

  async #endpoint(): Promise<TokenEndpoint> {
    const { tokenUrl, scope } = this.#credentials;
    const known = scope === undefined ? {} : { scope };
    if (tokenUrl !== undefined) return { tokenUrl, ...known };
    return { ...(await this.#means.discover()), ...known };
  }
}

/** RFC 6749 §2.3.1: both halves are encoded as in a form before they are joined. */
const formEncoded = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2);

/** Of one that lives shorter than the margin, half is used. */
function lifetimeMs(seconds: unknown): number {
  const lifeMs = Number(seconds) * 1000;
  if (!(lifeMs > 0)) return Number.POSITIVE_INFINITY;
  return Math.max(lifeMs - MARGIN_MS, lifeMs / 2);
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // An issuer that is down answers with a page; its status says enough.
    return {};
  }
}

function refusalOf(status: number, answer: Readonly<Record<string, unknown>>): string {
  const said = [answer.error, answer.error_description].filter((part) => typeof part === "string");
  return [`the issuer answered ${status}`, ...said].join(", ");
}
