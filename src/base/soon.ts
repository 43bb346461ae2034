/** A value that may be at hand: where it is, nobody waits for a turn of the event loop. */
export type Soon<T> = T | Promise<T>;

/** What follows from a value, at once if it is at hand. */
export const soon = <T, U>(value: Soon<T>, next: (value: T) => Soon<U>): Soon<U> =>
  value instanceof Promise ? value.then(next) : next(value);
