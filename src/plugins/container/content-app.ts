import type { ContentHandler } from "#sdk";
import { parseDigest } from "./format/names.ts";

/**
 * A blob by the distribution that it is asked from; of a private one only where a guard has let the
 * request pass, since here nobody says who they are.
 *
 * $1 domain, $2 digest, $3 distribution, $4 number of the repository and $5 of the version, $6 the
 * repository whose pending content is served, too, $7 whether there is a guard
 */
const BLOB = {
  name: "container blob of distribution",
  text: `
select f.id from container_blob b
join content_artifact f on f.domain = b.domain and f.content = b.id
join container_distribution c on c.domain = $1 and c.id = $3
where b.domain = $1 and b.digest = $2 and (not c.private or $7)
  and (exists (select from membership m where m.repository = $4 and m.content = b.id
      and m.added <= $5 and m.removed > $5)
    or exists (select from container_pending p where p.repository = $6 and p.content = b.id))`,
};

/** Bytes of blobs on the content app: what registries redirect to (plugin-container §1.1). */
export const serveBlobs: ContentHandler = {
  type: "container.container",
  isUnlisted: true,
  alias: "/pulp/container/",
  async resolve({ hot }, { match, path }) {
    const [folder, digest = "", ...more] = path.split("/");
    if (folder !== "blobs" || more.length > 0 || !parseDigest(digest)) return { kind: "missing" };
    const { distribution, version, domain } = match;
    const [found] = await hot.query<{ id: string }>(BLOB, [
      ...[domain.num, digest, distribution.id, version?.repository ?? -1, version?.number ?? 0],
      ...[distribution.repository, distribution.guard !== null],
    ]);
    if (!found) return { kind: "missing" };
    const headers = {
      "Content-Type": "application/octet-stream",
      "Docker-Content-Digest": digest,
      "Docker-Distribution-Api-Version": "registry/2.0",
    };
    return { kind: "content_artifact", id: found.id, headers };
  },
};

/** A cache has no content of its own; what it brought lies in distributions of their own. */
export const hidePullThrough: ContentHandler = {
  type: "container.pull-through",
  isUnlisted: true,
  resolve: async () => ({ kind: "missing" }),
};
