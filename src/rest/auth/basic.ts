import { createHmac, randomBytes } from "node:crypto";
import { onUserChange } from "#core/access/commands.ts";
import { verifyPassword } from "#core/access/passwords.ts";
import type { Ctx, User } from "#core/ctx.ts";
import { restErrors } from "../kit/rest-errors.ts";
import { FailureLimit } from "./failure-limit.ts";

/** A verified credential is believed this long without asking again (performance §7). */
const CACHE_MS = 60_000;
const MAX_CACHED = 10_000;

interface Verified {
  readonly user: User;
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
export class BasicAuthentication {
  readonly #ctx: Ctx;
  readonly #key = randomBytes(32);
  readonly #verified = new Map<string, Verified>();
  readonly #checking = new Map<string, Promise<User>>();
  readonly #failures: FailureLimit;
  /** Counts changes, so that a check that began before one is not remembered after it. */
  #changes = 0;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    this.#failures = new FailureLimit(ctx.clock);
    onUserChange(ctx, () => this.forget());
  }

  /**
   * The user of an `Authorization` header; undefined if the header is of another scheme.
   *
   * @param address of the client; failing log-ins are limited per address and name.
   * @throws the 401 and 429 errors of `restErrors`.
   */
  async authenticate(header: string, address: string): Promise<User | undefined> {
    if (!/^basic(\s|$)/i.test(header)) return undefined;
    const cacheKey = createHmac("sha256", this.#key).update(header).digest("base64");
    const known = this.#verified.get(cacheKey);
    if (known && known.until > this.#ctx.clock.now()) return known.user;
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

  async #check(header: string, address: string, cacheKey: string): Promise<User> {
    const { name, password } = parseBasic(header);
    const wait = this.#failures.secondsToWait(address, name);
    if (wait > 0) throw restErrors.flood(wait);
    const changes = this.#changes;
    const [row] = await this.#ctx.hot.query<UserRow>(byName, [name]);
    const isRight = await verifyPassword(password, row?.password ?? "");
    if (!row || !isRight) {
      this.#failures.add(address, name);
      throw restErrors.password();
    }
    if (!row.is_active) throw restErrors.inactive();
    const user = {
      id: row.id,
      username: row.username,
      isSuperuser: row.is_superuser,
      isActive: true,
    };
    if (changes !== this.#changes) return user;
    if (this.#verified.size >= MAX_CACHED) this.#verified.clear();
    this.#verified.set(cacheKey, { user, until: this.#ctx.clock.now() + CACHE_MS });
    return user;
  }
}

/** User name and password of a header; the name ends at the first colon (RFC 7617). */
export function parseBasic(header: string): { readonly name: string; readonly password: string } {
  const [, token, ...rest] = header.trim().split(/\s+/);
  if (!token) throw restErrors.basicHeader("No credentials provided.");
  if (rest.length > 0) {
    throw restErrors.basicHeader("Credentials string should not contain spaces.");
  }
  const text = /^[A-Za-z0-9+/=_-]+$/.test(token) ? Buffer.from(token, "base64").toString() : "";
  const colon = text.indexOf(":");
  if (colon < 0 || text.includes("\0")) {
    throw restErrors.basicHeader("Credentials not correctly base64 encoded.");
  }
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
