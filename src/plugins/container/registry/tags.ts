import { sendJson } from "./answers.ts";
import { type Page, pageLinks, pageOf } from "./paging.ts";
import { type Registry, type RepositoryVisit, servedPlace } from "./registry.ts";

const TAGS = {
  name: "registry tags",
  text: `
select t.name from membership m
join container_tag t on t.domain = m.domain and t.id = m.content
where m.repository = $1 and m.added <= $2 and m.removed > $2 and t.name > $3::text
order by t.name limit $4`,
};

/** Names come from the tags of the domain that the version holds, in the order of their bytes. */
export async function serveTags(registry: Registry, visit: RepositoryVisit): Promise<void> {
  const place = await servedPlace(registry, visit);
  const page = pageOf(visit);
  const { version } = place;
  const rows =
    version === null || page.size === 0
      ? []
      : await registry.ctx.hot.query<{ name: string }>(TAGS, [
          version.repository,
          version.number,
          page.last,
          page.size + 1,
        ]);
  const local = rows.map(({ name }) => name);
  const others = await registry.upstream.tags(visit, place);
  const found = others.length === 0 ? local : joined(local, others, page);
  const { names, headers } = pageLinks(visit, page, found);
  sendJson(visit, { name: visit.name.full, tags: names }, headers);
}

/** Those of the page and one more, of both lists; names of tags sort by code unit as by byte. */
function joined(local: readonly string[], others: readonly string[], page: Page): string[] {
  const after = others.filter((name) => name > page.last);
  return [...new Set([...local, ...after])].sort().slice(0, page.size + 1);
}
