import type { Ctx } from "#core/ctx.ts";
import { fileSources } from "#core/remotes/queries.ts";
import type {
  ContentHandler,
  ContentRequest,
  FromUpstream,
  HeaderList,
  Resolution,
  Stored,
  UpstreamSource,
} from "./contract.ts";
import type { FoundFile } from "./lookup.ts";

/** What a source is asked with: the request, and the delivery of its distribution's type. */
export interface Question {
  readonly ctx: Ctx;
  readonly request: ContentRequest;
  readonly handler: ContentHandler;
  /** Publications decide what is served, not versions. */
  readonly servesPublications: boolean;
}

/** One place where a path may be found; undefined asks the next. */
export type Source = (question: Question) => Promise<Resolution | undefined>;

/** A file that is known: from the store if it is there, else from where it can be had. */
export async function serve(
  { ctx, request, handler }: Omit<Question, "servesPublications">,
  { artifact, contentArtifact, at }: FoundFile,
  path: string,
  own?: HeaderList,
): Promise<Stored | FromUpstream> {
  const headers = { ...handler.headers?.(path), ...own };
  if (artifact) return { kind: "stored", artifact, contentArtifact, path, at, headers };
  const sources =
    contentArtifact === null ? [] : await sourcesOf(ctx, request.match, contentArtifact);
  return { kind: "upstream", contentArtifact, sources, path, at, headers };
}

/** Where the file of a unit can be had now, best first. */
export async function sourcesOf(
  ctx: Ctx,
  { domain }: Pick<ContentRequest["match"], "domain">,
  contentArtifact: string,
): Promise<UpstreamSource[]> {
  const rows = await fileSources(ctx, domain, contentArtifact);
  return rows.map((row) => ({
    contentArtifact: row.content_artifact,
    remote: row.remote,
    url: row.url,
    isSaved: row.policy !== "streamed",
    sizeBytes: row.size,
    digests: {
      ...row.other_digests,
      ...(row.sha256 ? { sha256: row.sha256.toString("hex") } : {}),
    },
  }));
}
