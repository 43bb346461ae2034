import type { Ctx } from "#sdk";
import type { Place, ServedVersion } from "./places.ts";
import { linesAfter } from "./sorted-lines.ts";

/** Of versions with more tags than this the database is asked page by page. */
const MOST = 200_000;

/**
 * Member by member, whatever the planner thinks: it costs as much as the version has tags, and does
 * not grow with those of other repositories. There is no index of names by repository.
 */
const ALL = {
  name: "registry tag names of a version",
  text: `
with member as materialized (
  select m.content from membership m
  where m.repository = $1 and m.added <= $2 and m.removed > $2
    and m.type = (select num from content_type where name = 'container.tag')
  limit $4 + 1)
select count(*)::int as count,
  case when count(*) <= $4 then string_agg(t.name, E'\\n' order by t.name) end as names
from member cross join lateral (
  select t.name from container_tag t where t.domain = $3 and t.id = member.content limit 1) t`,
};

const PAGE = {
  name: "registry tags",
  text: `
select t.name from membership m
join container_tag t on t.domain = m.domain and t.id = m.content
where m.repository = $1 and m.added <= $2 and m.removed > $2 and t.name > $3::text
order by t.name limit $4`,
};

/**
 * Names of the tags of versions. They are read whole, once; what a version holds never changes, so
 * they stay as long as there is room for them.
 */
export class TagNames {
  readonly #ctx: Pick<Ctx, "hot">;
  readonly #budget: number;
  /** By version, the least recently used first. */
  readonly #known = new Map<string, Lines>();
  /** Many may ask at the same time. */
  readonly #reading = new Map<string, Promise<Lines>>();
  #bytes = 0;

  constructor(ctx: Pick<Ctx, "hot">, budgetBytes: number) {
    this.#ctx = ctx;
    this.#budget = budgetBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Up to so many names after one, in the order of their bytes. */
  async after(
    { domain, version }: Pick<Place, "domain" | "version">,
    { last, limit }: { readonly last: string; readonly limit: number },
  ): Promise<readonly string[]> {
    if (version === null) return [];
    const lines = this.#recent(version.id) ?? (await this.#once(domain.num, version));
    if (lines !== "too many") return linesAfter(lines, last, limit);
    const values = [version.repository, version.number, last, limit];
    const rows = await this.#ctx.hot.query<{ name: string }>(PAGE, values);
    return rows.map(({ name }) => name);
  }

  #recent(version: string): Lines | undefined {
    const lines = this.#known.get(version);
    if (!lines) return undefined;
    this.#known.delete(version);
    this.#known.set(version, lines);
    return lines;
  }

  #once(domain: number, version: ServedVersion): Promise<Lines> {
    const running = this.#reading.get(version.id);
    if (running) return running;
    const reading = this.#read(domain, version).finally(() => this.#reading.delete(version.id));
    this.#reading.set(version.id, reading);
    return reading;
  }

  async #read(domain: number, { id, repository, number }: ServedVersion): Promise<Lines> {
    const [row] = await this.#ctx.hot.query<AllRow>(ALL, [repository, number, domain, MOST]);
    const { count = 0, names = null } = row ?? {};
    const all = count > MOST ? "too many" : Buffer.from(names === null ? "" : `${names}\n`);
    this.#keep(id, all);
    return all;
  }

  #keep(version: string, lines: Lines): void {
    const weight = weightOf(lines);
    if (weight > this.#budget || this.#known.has(version)) return;
    this.#known.set(version, lines);
    this.#bytes += weight;
    for (const [oldest, others] of this.#known) {
      if (this.#bytes <= this.#budget) return;
      this.#known.delete(oldest);
      this.#bytes -= weightOf(others);
    }
  }
}

type Lines = Buffer | "too many";

interface AllRow {
  readonly count: number;
  readonly names: string | null;
}

/** What an entry costs beside its bytes. */
const OVERHEAD_BYTES = 512;
const weightOf = ({ length }: Lines): number => length + OVERHEAD_BYTES;
