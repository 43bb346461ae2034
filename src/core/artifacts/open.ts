import type { StoredObject } from "#platform/storage/storage.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { artifactErrors } from "./errors.ts";
import { findArtifacts } from "./queries.ts";

/** An artifact whose file is open; disposing it closes the file. */
export interface OpenArtifact extends AsyncDisposable {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly file: StoredObject;
}

/** @throws `artifactErrors.notFound`; `storageErrors.missing` if its file is not there. */
export async function openArtifact(
  ctx: Pick<Ctx, "db" | "storage">,
  domain: DomainRef,
  id: string,
): Promise<OpenArtifact> {
  const found = (await findArtifacts(ctx.db, domain, [id])).get(id);
  if (!found) throw artifactErrors.notFound();
  const file = await ctx.storage(domain).open(found.object);
  return {
    sha256: found.sha256,
    file,
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}
