import { Batcher } from "#base/batcher.ts";
import { CodedError, ValidationError } from "#base/errors.ts";
import type { Ctx } from "./ctx.ts";

/** Requests whose work is done at one stroke; more wait for the next. */
const MOST = 64;

type Outcome<Result> = { readonly result: Result } | { readonly error: unknown };

/**
 * Does the work of requests that come at the same time at one stroke; one that comes alone waits for
 * nobody. If that is refused, each is done by itself, so that nobody pays for another.
 *
 * @param work gives one result per item, in the same order, and has done nothing when it throws.
 */
export function together<Item, Result>(
  work: (ctx: Ctx, items: readonly Item[]) => Promise<readonly Result[]>,
): (ctx: Ctx, item: Item) => Promise<Result> {
  const batchers = new WeakMap<Ctx["hot"], Batcher<Item, Outcome<Result>>>();
  const batcherOf = (ctx: Ctx): Batcher<Item, Outcome<Result>> => {
    const known = batchers.get(ctx.hot);
    if (known) return known;
    const made = new Batcher<Item, Outcome<Result>>((items) => settle(ctx, work, items), {
      ...{ most: MOST, gathers: true },
    });
    batchers.set(ctx.hot, made);
    return made;
  };
  return async (ctx, item) => {
    const outcome = await batcherOf(ctx).add(item);
    if ("error" in outcome) throw outcome.error;
    return outcome.result;
  };
}

async function settle<Item, Result>(
  ctx: Ctx,
  work: (ctx: Ctx, items: readonly Item[]) => Promise<readonly Result[]>,
  items: readonly Item[],
): Promise<readonly Outcome<Result>[]> {
  try {
    return (await work(ctx, items)).map((result) => ({ result }));
  } catch (error) {
    if (items.length === 1 || !isRefusal(error)) return items.map(() => ({ error }));
    const outcomes: Outcome<Result>[] = [];
    for (const item of items) outcomes.push(...(await settle(ctx, work, [item])));
    return outcomes;
  }
}

/** Wrong data, a broken constraint, a lost race: nothing was done. */
const REFUSED = /^(22|23|40)/;

/**
 * Whether the work was refused and undone. After a lost connection nobody knows what became of it, so
 * it is not done again.
 */
export function isRefusal(error: unknown): boolean {
  if (error instanceof CodedError || error instanceof ValidationError) return true;
  return error instanceof Error && "code" in error && REFUSED.test(String(error.code));
}
