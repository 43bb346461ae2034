import type { ContentHandler, Ctx } from "#sdk";
import { sql } from "#sdk";
import { pythonDownloads } from "../downloads/record.ts";
import { metadataFileUrl } from "../mirror/address.ts";
import { publishedMetadata, resolveJson } from "./content-json.ts";
import { sendToMember } from "./deliver-group.ts";
import { namedFile, ruleRefusal, servedRules, upstreamRefusal } from "./gate.ts";
import { joinRepository, keepPulled } from "./keep.ts";
import { pullKey } from "./key.ts";
import { type PulledRequest, readPullQuery } from "./link.ts";
import { ruledPage } from "./published-page.ts";

type Request = Parameters<NonNullable<ContentHandler["resolve"]>>[1];
type Answer = Awaited<ReturnType<NonNullable<ContentHandler["resolve"]>>>;
type Remote = NonNullable<Request["match"]["distribution"]["remote"]>;

/** Files that the repository lacks, from the remote of the distribution (plugin-python §11). */
export const servePulled: ContentHandler = {
  type: "python.python",
  resolve,
  resolveJson,
  downloads: pythonDownloads,
};

async function resolve(ctx: Ctx, request: Request): Promise<Answer> {
  const file = namedFile(request.path);
  if (file) {
    const served = await servedRules(ctx, request);
    if (served?.isGroup) return sendToMember(ctx, request, file);
    const refused = await ruleRefusal(ctx, request, { served, file });
    if (refused) return refused;
  }
  return (
    (await publishedMetadata(ctx, request)) ??
    (await ruledPage(ctx, request)) ??
    pulledFile(ctx, request)
  );
}

async function pulledFile(ctx: Ctx, request: Request): Promise<Answer> {
  const { match, query } = request;
  const { remote } = match.distribution;
  if (remote === null || !query.has("redirect")) return undefined;
  const key = await pullKey(ctx, match.domain);
  const pulled = readPullQuery(key, remote.id, request);
  // An address that we did not list is never fetched; a file of the repository needs none.
  if (!pulled) return undefined;
  const path = pulled.isMetadata ? `${pulled.filename}.metadata` : pulled.filename;
  const local = await localFile(ctx, request, { path, remote: remote.id, url: pulled.url });
  if (!local?.isMember) {
    const refused = await upstreamRefusal(ctx, request, pulled);
    if (refused) return refused;
  }
  if (!local) return fetched(ctx, request, { remote, pulled, path });
  if (!local.isMember && !pulled.isMetadata) await joinRepository(ctx, match, local.content);
  return { kind: "content_artifact", id: local.id };
}

interface LocalFile {
  /** `content_artifact.id` */
  readonly id: string;
  /** `content.id` */
  readonly content: string;
  readonly isMember: boolean;
}

/** A file of the served version, or else one that was fetched from this address before. */
async function localFile(
  ctx: Ctx,
  { match: { domain, version } }: Request,
  wanted: { readonly path: string; readonly remote: string; readonly url: string },
): Promise<LocalFile | undefined> {
  const filename = wanted.path.replace(/\.metadata$/, "");
  const { rows } = await sql<LocalFile>`
    select ca.id, p.id as content, m.content is not null as "isMember"
    from python_package p
    join content_artifact ca on ca.content = p.id and ca.relative_path = ${wanted.path}
    left join membership m on m.repository = ${version?.repository ?? null}
      and m.content = p.id and m.added <= ${version?.number ?? null}
      and m.removed > ${version?.number ?? null}
    where p.domain = ${domain.num} and p.filename = ${filename}
      and (m.content is not null or exists (
        select from content_artifact main join remote_artifact r on r.content_artifact = main.id
        where main.content = p.id and r.domain = p.domain
          and r.remote = ${wanted.remote} and r.url = ${wanted.url}))
    order by m.content is null limit 1`.execute(ctx.db);
  return rows[0];
}

function fetched(
  ctx: Ctx,
  request: Request,
  from: { readonly remote: Remote; readonly pulled: PulledRequest; readonly path: string },
): Answer {
  const { remote, pulled, path } = from;
  const isSaved = !pulled.isMetadata && remote.policy !== "streamed";
  const digests = pulled.sha256 === null || pulled.isMetadata ? {} : { sha256: pulled.sha256 };
  return {
    kind: "upstream",
    contentArtifact: null,
    sources: [
      {
        contentArtifact: null,
        remote: remote.id,
        url: pulled.isMetadata ? metadataFileUrl(pulled.url) : pulled.url,
        isSaved,
        sizeBytes: null,
        digests,
      },
    ],
    path,
    at: null,
    pull: isSaved
      ? { save: ({ id }) => keepPulled(ctx, request.match, { pulled, artifact: id }) }
      : {},
  };
}
