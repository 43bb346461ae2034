import type { Ctx, User } from "../ctx.ts";
import { onUserChange } from "./user-changes.ts";

/** What another process ends or changes is noticed after this long at most (reliability T12). */
const CACHE_MS = 5000;
const MAX_CACHED = 10_000;

/** Users that were looked up in the last seconds, by session or by name. */
export class RecentUsers {
  readonly #ctx: Ctx;
  readonly #users = new Map<string, { readonly user: User; readonly until: number }>();
  /** Counts changes, so that a look-up that began before one is not remembered after it. */
  #changes = 0;

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    onUserChange(ctx, () => {
      this.#changes += 1;
      this.#users.clear();
    });
  }

  /** The user of a key that was looked up in the last seconds. */
  known(key: string): User | undefined {
    const known = this.#users.get(key);
    return known && known.until > this.#ctx.clock.now() ? known.user : undefined;
  }

  /** The user of a key; `lookUp` asks the database, and what it does not find is not remembered. */
  async find(key: string, lookUp: () => Promise<User | undefined>): Promise<User | undefined> {
    const known = this.known(key);
    if (known) return known;
    const now = this.#ctx.clock.now();
    const changes = this.#changes;
    const user = await lookUp();
    if (user === undefined || changes !== this.#changes) return user;
    if (this.#users.size >= MAX_CACHED) this.#users.clear();
    this.#users.set(key, { user, until: now + CACHE_MS });
    return user;
  }
}
