import { key128 } from "#base/digests.ts";
import { encodePath } from "#base/paths.ts";
import type { Ctx } from "#core/ctx.ts";
import type { ContentRequest, FromUpstream, PullRemote, PullThrough } from "./contract.ts";
import { type FoundFile, lookupRemoteFile } from "./lookup.ts";
import { type Question, type Source, serve } from "./source.ts";

/** What the repository lacks, from the remote of the distribution (core-content §5.8). */
export const pullThrough: Source = async (question) => {
  const { ctx, request, handler } = question;
  const { remote } = request.match.distribution;
  const hook = handler.pullThrough;
  if (remote === null || !hook) return undefined;
  const url = hook.url ? hook.url(remote, request) : joinedUrl(remote, request);
  if (url === null) return undefined;
  const unitPath = request.isDirectory ? undefined : hook.unitPath(request.path);
  const pulled = { remote, url, unitPath, hook };
  const known = unitPath === undefined ? undefined : await knownUnit(question, pulled, unitPath);
  return known ? serve(question, known, request.path) : fetched(ctx, request, pulled);
};

interface Pulled {
  readonly remote: PullRemote;
  readonly url: string;
  readonly unitPath: string | undefined;
  readonly hook: PullThrough;
}

/** Path below the URL of the remote, which counts as a directory. */
function joinedUrl({ url }: PullRemote, { path, isDirectory }: ContentRequest): string {
  const base = url.endsWith("/") ? url : `${url}/`;
  return base + encodePath(path) + (isDirectory && path !== "" ? "/" : "");
}

/** A unit that this remote is known to have at the address. */
async function knownUnit(
  { ctx, request }: Question,
  { remote, url, hook }: Pulled,
  unitPath: string,
): Promise<FoundFile | undefined> {
  const place = { remote: remote.id, url, key: key128(unitPath) };
  const found = await lookupRemoteFile(ctx, request.match.domain, place);
  if (found?.contentArtifact) {
    await hook
      .adopt?.(ctx, request, found.contentArtifact)
      .catch((error) => ctx.log.error(`Adding ${unitPath} to its repository failed: ${error}`));
  }
  return found;
}

function fetched(ctx: Ctx, request: ContentRequest, pulled: Pulled): FromUpstream {
  const { remote, url, unitPath, hook } = pulled;
  const isSaved = unitPath !== undefined && remote.policy !== "streamed";
  const source = { contentArtifact: null, remote: remote.id, url, isSaved };
  return {
    kind: "upstream",
    contentArtifact: null,
    sources: [{ ...source, sizeBytes: null, digests: {} }],
    path: request.path,
    at: null,
    pull: isSaved
      ? { save: (artifact) => hook.save(ctx, { request, remote, url, unitPath, artifact }) }
      : {},
  };
}
