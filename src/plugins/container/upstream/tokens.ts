import { createHash } from "node:crypto";
import type { Ctx, RemoteSession } from "#sdk";
import { mayHaveCredentials, type TokenQuestion, tokenUrl } from "./challenge.ts";
import { upstreamErrors } from "./errors.ts";
import { wholeBody } from "./whole-body.ts";

/** Of a token server that does not say how long its tokens are good (distribution's convention). */
const DEFAULT_LIFE_S = 60;
/** A token that ends so soon is not used any more. */
const MARGIN_MS = 10_000;
const MOST_BYTES = 256 * 1024;
/** Tokens, and scopes whose question is known, that a process keeps. */
const MOST_KEPT = 2000;

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Whose tokens: those of other credentials are not used. */
export interface TokenOwner {
  readonly remote: RemoteSession;
  readonly credentials: Credentials | undefined;
}

interface Token {
  readonly text: string;
  readonly endsMs: number;
}

/** Tokens of upstream registries that the process has, by remote, realm, service and scope. */
export class UpstreamTokens {
  readonly #ctx: Pick<Ctx, "clock">;
  readonly #questions = new Map<string, TokenQuestion>();
  readonly #tokens = new Map<string, Token>();
  readonly #asking = new Map<string, Promise<string>>();

  constructor(ctx: Pick<Ctx, "clock">) {
    this.#ctx = ctx;
  }

  /** The token that was good for this scope the last time, if it still is. */
  known(owner: TokenOwner, scope: string): string | undefined {
    const question = this.#questions.get(`${ownerKey(owner)} ${scope}`);
    return question && this.#fresh(keyOf(owner, question));
  }

  /**
   * The token that a challenge asks for, from memory or from the token server; many who want the
   * same ask once.
   *
   * @param scope of the request that was challenged: the next one of it uses the token at once.
   * @param refused a token that did not do, so it is asked for anew.
   */
  async get(
    owner: TokenOwner,
    question: TokenQuestion,
    { scope, refused }: { readonly scope: string; readonly refused: string | undefined },
  ): Promise<string> {
    keep(this.#questions, `${ownerKey(owner)} ${scope}`, question);
    const key = keyOf(owner, question);
    const known = this.#fresh(key);
    if (known !== undefined && known !== refused) return known;
    const running = this.#asking.get(key);
    if (running) return running;
    const asking = this.#ask(owner, question)
      .then((token) => {
        keep(this.#tokens, key, token);
        return token.text;
      })
      .finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  #fresh(key: string): string | undefined {
    const token = this.#tokens.get(key);
    return token && token.endsMs - MARGIN_MS > this.#ctx.clock.now() ? token.text : undefined;
  }

  /** Nobody's signal ends it, since others wait for it; the time limits of the remote do. */
  async #ask({ remote, credentials }: TokenOwner, question: TokenQuestion): Promise<Token> {
    const begunMs = this.#ctx.clock.now();
    const url = tokenUrl(question);
    const isSafe = mayHaveCredentials(remote.url, question.realm);
    const answer = await remote.get(url, {
      headers: {
        accept: "application/json",
        ...(credentials && isSafe ? { authorization: basic(credentials) } : {}),
      },
    });
    const body = await wholeBody(answer, MOST_BYTES);
    if (answer.status !== 200)
      throw upstreamErrors.status(answer.status, answer.reason, question.realm);
    return readToken(body, { url: question.realm, begunMs });
  }
}

export const basic = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;

function readToken(
  body: Buffer,
  { url, begunMs }: { readonly url: string; readonly begunMs: number },
): Token {
  const answer = parsedObject(body);
  const text = [answer?.token, answer?.access_token].find(
    (each): each is string => typeof each === "string" && each !== "",
  );
  if (text === undefined || /[^\x21-\x7e]/.test(text))
    throw upstreamErrors.answer(url, "it has no token");
  const life = answer?.expires_in;
  const seconds = typeof life === "number" && life > 0 ? life : DEFAULT_LIFE_S;
  return { text, endsMs: begunMs + seconds * 1000 };
}

function parsedObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Changes with the credentials, which are not kept as they are. */
function ownerKey({ remote, credentials }: TokenOwner): string {
  const secret = credentials ? `${credentials.username}\n${credentials.password}` : "";
  const digest = createHash("sha256").update(secret).digest("base64url").slice(0, 22);
  return `${remote.id} ${remote.url} ${digest}`;
}

const keyOf = (owner: TokenOwner, { realm, service, scope }: TokenQuestion): string =>
  [ownerKey(owner), realm, service, scope].join(" ");

/** The one that was put in first goes when there are too many. */
function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MOST_KEPT && oldest !== undefined) map.delete(oldest);
}

const ofProcess = new WeakMap<Ctx["hot"], UpstreamTokens>();

export function upstreamTokens(ctx: Pick<Ctx, "hot" | "clock">): UpstreamTokens {
  const tokens = ofProcess.get(ctx.hot) ?? new UpstreamTokens(ctx);
  ofProcess.set(ctx.hot, tokens);
  return tokens;
}
