import { createHmac, randomBytes } from "node:crypto";
import type { Ctx, User } from "../ctx.ts";
import { FailureLimit } from "./failure-limit.ts";
import { verifyPassword } from "./passwords.ts";
import { onUserChange } from "./user-changes.ts";

/** A verified credential is believed this long without asking again (performance §7). */
const CACHE_MS = 60_000;
const MAX_CACHED = 10_000;

/** What came of an `Authorization` header; who asks decides how a refusal looks. */
export type LogIn =
  | KnownUser
  | { readonly kind: "malformed"; readonly why: string }
  | { readonly kind: "flood"; readonly seconds: number }
  | { readonly kind: "wrong" }
  | { readonly kind: "inactive" };

export interface KnownUser {
  readonly kind: "user";
  readonly user: User;
  /** Hash that the password was compared with, to see whether it is still the one in the database. */
  readonly passwordHash: string;
}

interface Verified {
  readonly known: KnownUser;
  readonly until: number;
}

interface UserRow {
  readonly id: number;
  readonly username: string;
  readonly password: string;
  readonly is_active: boolean;
  readonly is_superuser: boolean;
}

const byName = {
  name: "user by name",
  text: "select id, username, password, is_active, is_superuser from app_user where username = $1",
};

/** HTTP Basic (core-rest §5): slow hash once, then a keyed hash of the header for up to a minute. */
export class BasicLogIn {
  readonly #ctx: Ctx;
  readonly #key = randomBytes(32);
  readonly #verified = new Map<string, Verified>();
  readonly #checking = new Map<string, Promise<LogIn>>();
  readonly #failures: FailureLimit;
  /** Counts changes, so that a check that began before one is not remembered after it. */
  #changes = 0;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    this.#failures = new FailureLimit(ctx.clock);
    onUserChange(ctx, () => this.forget());
  }

  /**
   * Who an `Authorization` header names; undefined if the header is of another scheme.
   *
   * @param address of the client; failing log-ins are limited per address and name.
   */
  async logIn(header: string, address: string): Promise<LogIn | undefined> {
    if (!/^basic(\s|$)/i.test(header)) return undefined;
    const cacheKey = createHmac("sha256", this.#key).update(header).digest("base64");
    const cached = this.#verified.get(cacheKey);
    if (cached && cached.until > this.#ctx.clock.now()) return cached.known;
    const checking = this.#checking.get(cacheKey);
    if (checking) return checking;
    const check = this.#check(header, address, cacheKey);
    this.#checking.set(cacheKey, check);
    try {
      return await check;
    } finally {
      if (this.#checking.get(cacheKey) === check) this.#checking.delete(cacheKey);
    }
  }

  /** Forgets what was verified: a password or user has changed. */
  forget(): void {
    this.#changes += 1;
    this.#checking.clear();
    this.#verified.clear();
  }

  async #check(header: string, address: string, cacheKey: string): Promise<LogIn> {
    const parsed = parseBasic(header);
    if ("why" in parsed) return { kind: "malformed", why: parsed.why };
    const { name, password } = parsed;
    const seconds = this.#failures.secondsToWait(address, name);
    if (seconds > 0) return { kind: "flood", seconds };
    const changes = this.#changes;
    const [row] = await this.#ctx.hot.query<UserRow>(byName, [name]);
    const isRight = await verifyPassword(password, row?.password ?? "");
    if (!row || !isRight) {
      this.#failures.add(address, name);
      return { kind: "wrong" };
    }
    if (!row.is_active) return { kind: "inactive" };
    const known = knownUser(row);
    if (changes === this.#changes) this.#remember(cacheKey, known);
    return known;
  }

  #remember(cacheKey: string, known: KnownUser): void {
    if (this.#verified.size >= MAX_CACHED) this.#verified.clear();
    this.#verified.set(cacheKey, { known, until: this.#ctx.clock.now() + CACHE_MS });
  }
}

const knownUser = ({ id, username, password, is_superuser }: UserRow): KnownUser => ({
  kind: "user",
  user: { id, username, isSuperuser: is_superuser, isActive: true },
  passwordHash: password,
});

/** User name and password of a header, or why there are none; the name ends at the first colon (RFC 7617). */
function parseBasic(
  header: string,
): { readonly name: string; readonly password: string } | { readonly why: string } {
  const [, token, ...rest] = header.trim().split(/\s+/);
  if (!token) return { why: "No credentials provided." };
  if (rest.length > 0) return { why: "Credentials string should not contain spaces." };
  const text = /^[A-Za-z0-9+/=_-]+$/.test(token) ? Buffer.from(token, "base64").toString() : "";
  const colon = text.indexOf(":");
  if (colon < 0 || text.includes("\0")) {
    return { why: "Credentials not correctly base64 encoded." };
  }
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
