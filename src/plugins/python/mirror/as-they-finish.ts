/**
 * Works on items side by side and gives the results in the order in which they are finished. No more
 * than `limit` are begun beyond what the reader has taken; leaving early aborts what is running.
 */
export async function* asTheyFinish<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Result> {
  const left = new AbortController();
  const inner = AbortSignal.any([signal, left.signal]);
  const running = new Map<number, Promise<readonly [number, Result]>>();
  const next = async (): Promise<Result> => {
    const [index, result] = await Promise.race(running.values());
    running.delete(index);
    return result;
  };
  let index = 0;
  try {
    for await (const item of items) {
      signal.throwIfAborted();
      const mine = index;
      index += 1;
      const job = work(item, inner).then((result) => [mine, result] as const);
      // The reader hears of it when it asks for the next result; until then nobody listens.
      job.catch(() => undefined);
      running.set(mine, job);
      if (running.size >= limit) yield await next();
    }
    while (running.size > 0) yield await next();
  } finally {
    left.abort();
    await Promise.allSettled(running.values());
  }
}
