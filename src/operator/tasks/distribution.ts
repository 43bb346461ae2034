/** Neighbouring buckets differ by 2 %: so exact is what is read from them. */
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
/** Shorter is nothing. */
const LEAST = 0.001;

/**
 * Durations of any number, in memory that does not grow with it: percentiles are within 1 % of the
 * true ones, count, sum and greatest are exact.
 */
export class Distribution {
  readonly #buckets = new Map<number, number>();
  count = 0;
  sum = 0;
  greatest = 0;

  /** @param seconds of less than zero, as clocks that differ make them, count as zero */
  add(seconds: number): void {
    const value = Math.max(seconds, 0);
    const bucket = value < LEAST ? 0 : 1 + Math.floor(Math.log(value / LEAST) / LOG_GROWTH);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.count += 1;
    this.sum += value;
    this.greatest = Math.max(this.greatest, value);
  }

  /** Seconds that the share of values does not exceed; 0 without values. */
  percentile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.count));
    if (rank >= this.count) return this.greatest;
    let seen = 0;
    for (const [bucket, number] of [...this.#buckets].sort(([a], [b]) => a - b)) {
      seen += number;
      if (seen >= rank) return Math.min(middleOf(bucket), this.greatest);
    }
    return 0;
  }

  /** How many values lie in each decade of a scale: `[[0.1, 5], [1, 12]]`, upper bounds in seconds. */
  decades(): readonly (readonly [upTo: number, count: number])[] {
    const counts = new Map<number, number>();
    for (const [bucket, number] of this.#buckets) {
      const decade = 10 ** Math.ceil(Math.log10(Math.max(middleOf(bucket), LEAST)) - 1e-9);
      counts.set(decade, (counts.get(decade) ?? 0) + number);
    }
    return [...counts].sort(([a], [b]) => a - b);
  }
}

const middleOf = (bucket: number): number =>
  bucket === 0 ? 0 : LEAST * GROWTH ** (bucket - 1) * Math.sqrt(GROWTH);
