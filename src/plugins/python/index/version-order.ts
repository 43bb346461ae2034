const order = new Intl.Collator("en", { numeric: true });

/** Versions in ascending order, with numbers as numbers. */
export const sortVersions = (versions: readonly string[]): readonly string[] =>
  versions.toSorted(order.compare);
