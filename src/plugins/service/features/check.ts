import type { Soon } from "#base/soon.ts";
import type { Ctx } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { type AskFeatures, featureService } from "./ask.ts";
import { type SharedAnswer, SharedAnswers } from "./shared-answers.ts";

/** Whether an account has every one of some features. */
export interface FeatureQuestion {
  readonly key: string;
  readonly account: string;
  /** Sorted, each once. */
  readonly features: readonly string[];
}

export function featureQuestion(account: string, wanted: readonly string[]): FeatureQuestion {
  const features = [...new Set(wanted)].sort();
  return { key: JSON.stringify([account, ...features]), account, features };
}

/** What was answered before counts so long while the service is away. */
const STALE_MS = 3_600_000;
/** After so long it is looked whether the shared answer is still there. */
const LOOK_MS = 60_000;
const MAX_KNOWN = 10_000;

interface Known extends SharedAnswer {
  /** Until then nothing else is looked at. */
  readonly looked: number;
}

/** Answers of the feature service, remembered; guards and permission share them. */
export class Features {
  readonly #ctx: Ctx;
  readonly #ask: AskFeatures;
  readonly #shared: SharedAnswers;
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<boolean>>();

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
    this.#ask = featureService(ctx);
    this.#shared = new SharedAnswers(ctx);
  }

  /** What cannot be found out is no. */
  check(question: FeatureQuestion): Soon<boolean> {
    const { key, features } = question;
    const known = this.#known.get(key);
    if (known && known.looked > this.#ctx.clock.now()) return known.isAllowed;
    const { FEATURE_SERVICE_API_URL: url } = serviceSettingsOf(this.#ctx);
    if (url === "" || features.length === 0) return false;
    const asking = this.#asking.get(key) ?? this.#find(question);
    this.#asking.set(key, asking);
    return asking;
  }

  async #find({ key, account, features }: FeatureQuestion): Promise<boolean> {
    const now = this.#ctx.clock.now();
    try {
      const known = this.#known.get(key);
      const found = await this.#shared.read(account, features);
      const old = found === "unknown" && known && known.until > now ? known : found;
      if (typeof old === "object") return this.#keep(key, old);
      const answer = this.#answer(await this.#ask(account, features));
      this.#shared.write(account, features, answer);
      return this.#keep(key, answer);
    } catch (error) {
      this.#ctx.log.warn(`Features of account ${JSON.stringify(account)}: ${error}`);
      const known = this.#known.get(key);
      return known !== undefined && known.until + STALE_MS > now ? known.isAllowed : false;
    } finally {
      this.#asking.delete(key);
    }
  }

  #answer(isAllowed: boolean): SharedAnswer {
    const settings = serviceSettingsOf(this.#ctx);
    const seconds = isAllowed
      ? settings.FEATURE_SERVICE_CACHE_TTL
      : settings.FEATURE_SERVICE_NEGATIVE_TTL;
    return { isAllowed, until: this.#ctx.clock.now() + seconds * 1000 };
  }

  #keep(key: string, { isAllowed, until }: SharedAnswer): boolean {
    const looked = Math.min(until, this.#ctx.clock.now() + LOOK_MS);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(key, { isAllowed, until, looked });
    return isAllowed;
  }
}

const shared = new WeakMap<Ctx["hot"], Features>();

/** The answers of the process: all its contexts share them. */
export function featuresOf(ctx: Ctx): Features {
  const features = shared.get(ctx.hot) ?? new Features(ctx);
  shared.set(ctx.hot, features);
  return features;
}
