import { sql } from "kysely";
import type { Ctx } from "../ctx.ts";
import type { ContentType, ReleaseColumns } from "../plugin-contract.ts";
import type { HeldRelease, ReleasedVersion } from "./types.ts";

const PAGE = 5000;

/** A type whose units are releases. */
export type ReleaseType = ContentType & { readonly releases: ReleaseColumns };

const isReleaseType = (type: ContentType): type is ReleaseType => type.releases !== undefined;

/** Types of a repository whose units are releases of packages. */
export const releaseTypes = (
  { plugins }: Pick<Ctx, "plugins">,
  repositoryType: string,
): readonly ReleaseType[] =>
  plugins
    .repositoryType(repositoryType)
    .contentTypes.map((name) => plugins.contentType(name))
    .filter(isReleaseType);

/**
 * Releases that a version holds, in pages; a release with several files comes as often. Pages follow
 * the key of membership, so the cost is that of the members, and no snapshot is held between them.
 */
export async function* releasePages(
  { db, plugins }: Pick<Ctx, "db" | "plugins">,
  version: ReleasedVersion,
  { type, table, releases }: ReleaseType,
): AsyncGenerator<readonly HeldRelease[], void, undefined> {
  const [name, column] = [releases.name, releases.version].map((one) => sql.ref(`p.${one}`));
  let after = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    const { rows } = await sql<HeldRelease>`
      select m.content as unit, ${name} as name, ${column} as version
      from membership m join ${sql.table(table)} p on p.domain = m.domain and p.id = m.content
      where m.repository = ${version.repository} and m.domain = ${version.domain}
        and m.content > ${after}::uuid and m.type = ${plugins.contentTypeNum(type)}
        and m.added <= ${version.number} and m.removed > ${version.number}
      order by m.content limit ${sql.lit(PAGE)}`.execute(db);
    if (rows.length > 0) yield rows;
    after = rows.at(-1)?.unit ?? after;
    if (rows.length < PAGE) return;
  }
}
