import type { IncomingHttpHeaders } from "node:http";
import { type Executor, sql } from "#sdk";
import { registryErrors } from "./errors.ts";
import type { Target } from "./target.ts";

/** What a tag has to mean before it is moved: one of these digests, anything (`*`), or nothing. */
export interface TagCondition {
  readonly matches?: readonly string[] | "*";
  /** `If-None-Match: *`: the tag is not there yet. */
  readonly isNew?: true;
}

/**
 * Reads `If-Match` and `If-None-Match` of a push by tag (RFC 9110, 13.1); the entity tags are those
 * that a GET of the tag answers with.
 *
 * @returns undefined if the push has no condition.
 * @throws `registryErrors.condition` (400) for what cannot be a condition of a push.
 */
export function tagCondition(headers: IncomingHttpHeaders): TagCondition | undefined {
  const { "if-match": match, "if-none-match": noneMatch } = headers;
  if (noneMatch !== undefined && noneMatch.trim() !== "*") throw registryErrors.condition();
  if (match === undefined && noneMatch === undefined) return undefined;
  return {
    ...(match === undefined ? {} : { matches: match.trim() === "*" ? "*" : digestsOf(match) }),
    ...(noneMatch === undefined ? {} : { isNew: true }),
  };
}

function digestsOf(header: string): string[] {
  return header.split(",").map((tag) => {
    const [, digest] = /^"([^"]+)"$/.exec(tag.trim()) ?? [];
    if (digest === undefined) throw registryErrors.condition();
    return digest;
  });
}

/**
 * Asked under the lock of the repository, so that of two conditional pushes one wins.
 *
 * @throws `registryErrors.conditionFailed` (412) if one of the tags means something else.
 */
export async function checkCondition(
  db: Executor,
  { place, repository }: Target,
  { tags, condition }: { readonly tags: readonly string[]; readonly condition: TagCondition },
): Promise<void> {
  const { rows } = await sql<{ name: string; digest: string }>`
    select t.name, c.digest from container_tag t
    join container_manifest c on c.domain = t.domain and c.id = t.manifest
    join membership m on m.domain = t.domain and m.content = t.id
    where t.domain = ${place.domain.num} and t.name = any(${tags}::text[])
      and m.repository = ${repository.num} and m.removed = 2147483647`.execute(db);
  const known = new Map(rows.map(({ name, digest }) => [name, digest]));
  for (const tag of tags)
    if (!holds(condition, known.get(tag))) throw registryErrors.conditionFailed(tag);
}

function holds({ matches, isNew }: TagCondition, digest: string | undefined): boolean {
  if (isNew && digest !== undefined) return false;
  if (matches === undefined) return true;
  return digest !== undefined && (matches === "*" || matches.includes(digest));
}
