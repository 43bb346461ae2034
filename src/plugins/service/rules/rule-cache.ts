import { randomUUID } from "node:crypto";
import type { Soon } from "#base/soon.ts";
import type { Ctx } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { guardRules } from "./rule-queries.ts";
import type { GuardRule } from "./types.ts";

const CHANNEL = "deckle_guard_rules";
/** Guards whose rules are remembered; with more of them all are forgotten. */
const MOST_GUARDS = 10_000;

interface Remembered {
  /** A promise while they are read. */
  readonly rules: Soon<readonly GuardRule[]>;
  readonly until: number;
}

/** Rules of the guards that were asked lately; whoever changes some says so to every process. */
class RuleCache {
  readonly #ctx: Ctx;
  readonly #id = randomUUID();
  readonly #known = new Map<string, Remembered>();

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    const onPayload = (from: string): void => {
      if (from !== this.#id) this.#known.clear();
    };
    // As long as the process listens at all.
    ctx.notifier.listen(CHANNEL, onPayload, new AbortController().signal);
  }

  rules(domain: number, guard: string): Soon<readonly GuardRule[]> {
    const now = this.#ctx.clock.now();
    const known = this.#known.get(guard);
    if (known && known.until > now) return known.rules;
    const rules = guardRules(this.#ctx, domain, guard);
    const seconds = serviceSettingsOf(this.#ctx).CERT_GUARD_CACHE_TTL;
    if (this.#known.size >= MOST_GUARDS) this.#known.clear();
    const until = now + seconds * 1000;
    const entry = { rules, until };
    this.#known.set(guard, entry);
    const isNewest = () => this.#known.get(guard) === entry;
    rules.then(
      (read) => isNewest() && this.#known.set(guard, { rules: read, until }),
      // What could not be read is asked for again.
      () => isNewest() && this.#known.delete(guard),
    );
    return rules;
  }

  /** Call it when a change is committed: readings that began before are forgotten with the rest. */
  forget(): void {
    this.#known.clear();
    this.#ctx.notifier.notify(CHANNEL, this.#id);
  }
}

const shared = new WeakMap<Ctx["hot"], RuleCache>();

/** The rules of the process: all its contexts share them. */
export function ruleCache(ctx: Ctx): RuleCache {
  const cache = shared.get(ctx.hot) ?? new RuleCache(ctx);
  shared.set(ctx.hot, cache);
  return cache;
}
