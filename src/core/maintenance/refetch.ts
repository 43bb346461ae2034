import type { Ctx } from "../ctx.ts";
import { downloadFile, markFailed, openRemote } from "../remotes/commands.ts";
import { fileSources } from "../remotes/queries.ts";
import type { SourceRow } from "../remotes/types.ts";
import type { FetchedFile, FetchRequest } from "./repair.ts";

/** Downloads a file again from the first source that still has the very same bytes. */
export async function refetch(ctx: Ctx, request: FetchRequest): Promise<FetchedFile | undefined> {
  const { domain, contentArtifact, signal } = request;
  for (const source of await fileSources(ctx, domain, contentArtifact)) {
    try {
      return await fetchFrom(ctx, request, source);
    } catch (error) {
      signal.throwIfAborted();
      ctx.log.warn(`Repair from remote ${source.remote} failed: ${String(error)}`);
      if (isWrong(error)) await markFailed(ctx, domain, source);
    }
  }
  return undefined;
}

async function fetchFrom(
  ctx: Ctx,
  { domain, sha256, sizeBytes, signal }: FetchRequest,
  source: SourceRow,
): Promise<FetchedFile> {
  await using remote = await openRemote(ctx, domain, source.remote);
  const wanted = { url: source.url, sizeBytes, digests: { sha256 } };
  return await downloadFile(ctx, { domain, remote, wanted, signal });
}

/** Digest and size of a download that differ from what was wanted. */
const isWrong = (error: unknown): boolean =>
  error instanceof Error && "code" in error && ["PLP0003", "PLP0004"].includes(String(error.code));
