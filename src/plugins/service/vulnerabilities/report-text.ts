import { advisories } from "#sdk";

type Advisories = Awaited<ReturnType<typeof advisories.advisoriesOf>>;
type PackageQuery = Parameters<typeof advisories.advisoriesOf>[1][number];

/**
 * The JSON text of `{"<name>-<version>": [advisories]}`: releases that have any, and each advisory
 * once, whichever ecosystem it came by.
 *
 * @param most bytes that the text may have.
 * @throws `advisories.errors.tooLarge`
 */
export function reportText(
  queries: readonly PackageQuery[],
  { ids, records }: Advisories,
  most: number,
): string {
  const found = new Map<string, Set<string>>();
  for (const [at, { name, version }] of queries.entries()) {
    const known = (ids[at] ?? []).filter((id) => records.has(id));
    if (known.length === 0) continue;
    const label = `${name}-${version}`;
    found.set(label, new Set([...(found.get(label) ?? []), ...known]));
  }
  const texts = new Map([...records].map(([id, record]) => [id, advisories.storedJson(record)]));
  const entries: string[] = [];
  let bytes = 0;
  for (const [label, known] of found) {
    const list = [...known].sort().map((id) => texts.get(id));
    const entry = `${advisories.storedJson(label)}:[${list.join(",")}]`;
    bytes += Buffer.byteLength(entry);
    if (bytes > most) throw advisories.errors.tooLarge(most);
    entries.push(entry);
  }
  return `{${entries.join(",")}}`;
}
