import { hash, randomBytes } from "node:crypto";
import type { Ctx } from "../ctx.ts";
import { type Credentials, credentialsOf } from "./credentials.ts";
import { FailureLimit } from "./failure-limit.ts";
import { type KnownUser, knownUser, type LogIn, type UserRow } from "./log-in.ts";
import { verifyPassword } from "./passwords.ts";
import { isHashingBusy } from "./slow-hash.ts";
import { logInByToken } from "./token-log-in.ts";
import { onUserChange } from "./user-changes.ts";

export type { KnownUser, LogIn } from "./log-in.ts";

/** A verified password is believed this long without its slow hash (performance §7). */
const CACHE_MS = 60_000;
/** And nothing is believed longer than this without a look at the database, if nobody tells. */
const FRESH_MS = 4_000;
const MAX_CACHED = 10_000;

interface Verified {
  readonly known: KnownUser;
  readonly until: number;
  readonly freshUntil: number;
}

type Shown = Extract<Credentials, { kind: "password" | "token" }>;

interface Check {
  readonly shown: Shown;
  readonly address: string;
  readonly cacheKey: string;
  /** When it began: what is found is as old as that, however long the hash takes. */
  readonly begun: number;
  /** What was verified before and has to be looked at again. */
  readonly stale: Verified | undefined;
}

const byName = {
  name: "user by name",
  text: "select id, username, password, is_active, is_staff, is_superuser from app_user where username = $1",
};

/**
 * HTTP Basic (core-rest §5) and Bearer, with passwords and API tokens. A slow hash once, then a
 * keyed hash of the header for up to a minute, with a look at the row every few seconds.
 */
export class BasicLogIn {
  readonly #ctx: Ctx;
  /** Before each header that is hashed; an HMAC object would cost thirty times as much. */
  readonly #key = randomBytes(32).toString("base64");
  readonly #verified = new Map<string, Verified>();
  readonly #checking = new Map<string, Promise<LogIn>>();
  readonly #failures: FailureLimit;
  /** Counts changes, so that a check that began before one is not remembered after it. */
  #changes = 0;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    this.#failures = new FailureLimit(ctx.clock);
    onUserChange(ctx, (subject) => this.forget(subject));
  }

  /**
   * Who an `Authorization` header names; undefined if the header is of another scheme.
   *
   * @param address of the client; failing log-ins are limited per address and name.
   */
  async logIn(header: string, address: string): Promise<LogIn | undefined> {
    const cacheKey = hash("sha256", `${this.#key} ${header}`, "base64");
    const now = this.#ctx.clock.now();
    const cached = this.#verified.get(cacheKey);
    if (cached && cached.freshUntil > now) return cached.known;
    const checking = this.#checking.get(cacheKey);
    if (checking) return checking;
    const shown = credentialsOf(header);
    if (shown?.kind !== "password" && shown?.kind !== "token") return shown;
    const stale = cached && cached.until > now ? cached : undefined;
    const check = this.#check({ shown, address, cacheKey, begun: now, stale });
    this.#checking.set(cacheKey, check);
    try {
      return await check;
    } finally {
      if (this.#checking.get(cacheKey) === check) this.#checking.delete(cacheKey);
    }
  }

  /** Forgets what was verified: of one user, or of all, since something about them has changed. */
  forget(user?: number): void {
    // What a group may do is no part of what is kept here.
    if (user !== undefined && user < 0) return;
    this.#changes += 1;
    this.#checking.clear();
    for (const [key, { known }] of this.#verified) {
      if (user === undefined || known.user.id === user) this.#verified.delete(key);
    }
  }

  async #check(check: Check): Promise<LogIn> {
    const changes = this.#changes;
    const { shown, cacheKey } = check;
    const found = await (shown.kind === "token"
      ? logInByToken(this.#ctx, shown)
      : this.#byPassword(shown, check));
    this.#verified.delete(cacheKey);
    if (found.kind === "user" && changes === this.#changes) this.#remember(check, found);
    return found;
  }

  async #byPassword(
    { name, password }: Extract<Shown, { kind: "password" }>,
    { address, stale }: Check,
  ): Promise<LogIn> {
    const seconds = stale ? 0 : this.#failures.secondsToWait(address, name);
    if (seconds > 0) return { kind: "flood", seconds };
    const [row] = await this.#ctx.hot.query<UserRow>(byName, [name]);
    const isKnown = row !== undefined && row.password === stale?.known.passwordHash;
    if (!isKnown && isHashingBusy()) return { kind: "flood", seconds: 2 };
    const isRight = isKnown || (await verifyPassword(password, row?.password ?? ""));
    if (!row || !isRight) {
      this.#failures.add(address, name);
      return { kind: "wrong" };
    }
    return row.is_active ? knownUser(row) : { kind: "inactive" };
  }

  #remember({ cacheKey, begun, stale }: Check, known: KnownUser): void {
    if (this.#verified.size >= MAX_CACHED) this.#verified.clear();
    const until = stale?.until ?? begun + CACHE_MS;
    this.#verified.set(cacheKey, { known, until, freshUntil: Math.min(begun + FRESH_MS, until) });
  }
}
