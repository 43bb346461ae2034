import { applyRetention, type Ctx, type DomainRef, placement, slotOf } from "#sdk";
import { pythonPackage } from "../content.ts";
import { incoming, type ReadPackage, unitOf } from "../ingest.ts";
import { addTogether, type PlacedFile, type Upload } from "./add-together.ts";

type Placing = Awaited<ReturnType<typeof placement.place>>;

interface Places {
  readonly main: PlacedFile;
  readonly companion: Placing | undefined;
}

/**
 * Adds a file that the domain does not have to a repository, at one stroke with others that come at the
 * same time: artifacts, unit, version and the task that tells of them, which is done when it is told.
 *
 * @returns the task; undefined where the long way has to be gone and finds out what is the matter: the
 *   bytes, the name or the repository are not free, or it has rules, or files are scanned. Nothing was
 *   added then.
 */
export async function addAtOnce(
  ctx: Ctx,
  { told, ...upload }: Upload & { readonly told: ReadPackage },
): Promise<string | undefined> {
  const { domain } = upload.caller;
  // What is found in it is told by the long way.
  if (ctx.scanner) return undefined;
  const placed = await placeBoth(ctx, domain, told);
  if (!placed) return undefined;
  const { main, companion } = placed;
  const placedBeside = companion && "placed" in companion ? [companion.placed] : [];
  const outcome = await addTogether(ctx, {
    ...upload,
    ...{ sha256: main.sha256, placed: [main, ...placedBeside] },
    slot: slotOf(pythonPackage, told.row) ?? "",
    unit: (artifacts) =>
      unitOf(told, artifacts.get(main.sha256) ?? "", companion && artifactOf(companion, artifacts)),
  });
  if (outcome?.retains) await applyRetention(ctx, upload.repository);
  return outcome?.task;
}

/** The file and its metadata in their places; undefined if the domain has the bytes of the file. */
async function placeBoth(
  ctx: Ctx,
  domain: DomainRef,
  { file, metadataBytes }: ReadPackage,
): Promise<Places | undefined> {
  await using bytes = metadataBytes && (await incoming(ctx, domain, metadataBytes));
  const [main, companion] = await Promise.all([
    placement.place(ctx, domain, file),
    bytes && placement.place(ctx, domain, bytes),
  ]);
  return "placed" in main ? { main: main.placed, companion } : undefined;
}

function artifactOf(companion: Placing, artifacts: ReadonlyMap<string, string>) {
  if ("artifact" in companion) return companion.artifact;
  const { sha256 } = companion.placed;
  return { id: artifacts.get(sha256) ?? "", sha256 };
}
