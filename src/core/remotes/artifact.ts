import { sql } from "kysely";
import { saveArtifacts } from "../artifacts/commands.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { downloadFile } from "./download.ts";
import { remoteErrors } from "./errors.ts";
import { fileSources } from "./queries.ts";
import { openRemote } from "./session.ts";
import type { SourceRow } from "./types.ts";

/**
 * Downloads the file of a unit from the first source that has it, and stores it: for repair and
 * for on-demand delivery. Sources that sent wrong bytes rest for the cool-down.
 *
 * @param contentArtifact `content_artifact.id`
 * @returns `artifact.id`
 * @throws `remoteErrors.noSource`, or why the last source failed.
 */
export async function downloadArtifact(
  ctx: Ctx,
  which: { readonly domain: DomainRef; readonly contentArtifact: string },
  signal: AbortSignal,
): Promise<string> {
  const { domain, contentArtifact } = which;
  let last: unknown = remoteErrors.noSource();
  for (const source of await fileSources(ctx, domain, contentArtifact)) {
    try {
      const artifact = await fetchFrom(ctx, { domain, source, signal });
      await fillIn(ctx, which, artifact);
      return artifact;
    } catch (error) {
      signal.throwIfAborted();
      if (remoteErrors.digest.is(error) || remoteErrors.size.is(error))
        await markFailed(ctx, domain, source);
      last = error;
    }
  }
  throw last;
}

async function fetchFrom(
  ctx: Ctx,
  from: { readonly domain: DomainRef; readonly source: SourceRow; readonly signal: AbortSignal },
): Promise<string> {
  const { domain, source, signal } = from;
  await using remote = await openRemote(ctx, domain, source.remote);
  const digests = {
    ...source.other_digests,
    ...(source.sha256 ? { sha256: source.sha256.toString("hex") } : {}),
  };
  const size = source.size === null ? {} : { sizeBytes: source.size };
  const wanted = { url: source.url, digests, ...size };
  const download = await downloadFile(ctx, { domain, remote, wanted, signal });
  await using _file = download.file;
  const [saved] = await saveArtifacts(ctx, domain, [download]);
  if (saved === undefined) throw new Error("Saving a download gave no artifact.");
  return saved.id;
}

/** Every unit of the domain that waits for a file of this path keeps its own row. */
async function fillIn(
  ctx: Ctx,
  which: { readonly domain: DomainRef; readonly contentArtifact: string },
  artifact: string,
): Promise<void> {
  await ctx.db
    .updateTable("content_artifact")
    .set({ artifact })
    .where("domain", "=", which.domain.num)
    .where("id", "=", which.contentArtifact)
    .where("artifact", "is", null)
    .execute();
}

/** Marks a source as one that sent wrong bytes; it is left out for the cool-down. */
export async function markFailed(
  ctx: Ctx,
  domain: DomainRef,
  source: Pick<SourceRow, "content_artifact" | "remote">,
): Promise<void> {
  await ctx.db
    .updateTable("remote_artifact")
    .set({ failed_at: sql<string>`clock_timestamp()` })
    .where("domain", "=", domain.num)
    .where("content_artifact", "=", source.content_artifact)
    .where("remote", "=", source.remote)
    .execute();
}
