import { uuid7 } from "#base/uuid7.ts";
import { type ContentHandler, type Ctx, sql } from "#sdk";
import { namedFile } from "../pull/gate.ts";

type Counter = NonNullable<ContentHandler["downloads"]>;

/** Downloads of distributions, for statistics: a process that dies loses those of its last seconds. */
export const pythonDownloads: Counter = {
  counts: (path) => !path.endsWith(".metadata") && namedFile(path) !== undefined,
  async record({ db }, files) {
    // In one order everywhere, so that no two processes wait for each other.
    const sorted = files.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    await sql`
      insert into python_download as d (id, domain, distribution, filename, count)
      select f.id, x.domain, x.id, f.filename, f.count
      from unnest(${sorted.map(() => uuid7())}::uuid[],
        ${sorted.map(({ distribution }) => distribution)}::uuid[],
        ${sorted.map(({ path }) => path)}::text[],
        ${sorted.map(({ count }) => count)}::bigint[]) with ordinality
        as f (id, distribution, filename, count, n)
      join distribution x on x.id = f.distribution
      order by f.n
      on conflict (distribution, filename) do update
        set count = d.count + excluded.count, updated = clock_timestamp()`.execute(db);
  },
};

const keyOf = ({ distribution, path }: Parameters<Counter["record"]>[1][number]): string =>
  `${distribution}\n${path}`;

const COUNTS = {
  name: "python-downloads",
  text: `
select filename, sum(count)::float8 as count from python_download
where distribution = any($1::uuid[]) and filename = any($2::text[])
group by filename`,
};

/** How often files were fetched from some distributions, by name; those that never were are absent. */
export async function downloadCounts(
  { hot }: Pick<Ctx, "hot">,
  of: { readonly distributions: readonly string[]; readonly filenames: readonly string[] },
): Promise<ReadonlyMap<string, number>> {
  const rows = await hot.query<{ filename: string; count: number }>(COUNTS, [
    of.distributions,
    of.filenames,
  ]);
  return new Map(rows.map(({ filename, count }) => [filename, count]));
}
