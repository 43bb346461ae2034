/** Keeps the youngest of a map or set: those that were put into it last. */
export function dropOldest<Key>(
  entries: Map<Key, unknown> | Set<Key>,
  { most }: { readonly most: number },
): void {
  for (const oldest of entries.keys()) {
    if (entries.size <= most) return;
    entries.delete(oldest);
  }
}
