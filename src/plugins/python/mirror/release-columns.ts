import type { ProjectInfo } from "../format/project-info.ts";
import type { Candidate } from "./filters.ts";
import type { MetadataSource } from "./metadata-source.ts";
import { infoColumns, type MetadataColumns, NO_METADATA, sharedColumns } from "./package-row.ts";
import { newestFirst } from "./releases.ts";

export interface ReleaseColumns {
  /** The project as upstream spells it, where it says so. */
  readonly name: string | undefined;
  of(version: string): MetadataColumns;
  readonly sizes: ReadonlyMap<string, number>;
}

/**
 * The metadata of the releases that files belong to: of the newest ones their own, as the JSON API
 * or the files beside the wheels tell it; of the others what all releases of the project share.
 *
 * @param most releases that upstream may be asked about one by one.
 */
export async function releaseColumns(
  source: MetadataSource,
  project: { readonly name: string; readonly files: readonly Candidate[] },
  { most, signal }: { readonly most: number; readonly signal: AbortSignal },
): Promise<ReleaseColumns> {
  const { name, files } = project;
  if (files.length === 0) return { name: undefined, of: () => NO_METADATA, sizes: new Map() };
  const wantsSizes = files.some(({ file }) => file.size === null);
  const latest = await source.project(name, wantsSizes, signal);
  const latestColumns = latest ? infoColumns(latest.info) : NO_METADATA;
  const latestVersion = textOf(latest?.info.version);
  const columns = new Map<string, MetadataColumns>();
  const sizes = new Map(latest?.sizes);
  if (latestVersion !== undefined) columns.set(latestVersion, latestColumns);
  const byVersion = Map.groupBy(files, ({ parsed }) => parsed.version);
  const asked = newestFirst([...byVersion.keys()]).filter((version) => version !== latestVersion);
  for (const version of asked.slice(0, most)) {
    const own = await ownColumns(
      source,
      { name, version, files: byVersion.get(version) ?? [] },
      signal,
    );
    if (own) columns.set(version, own.columns);
    for (const [filename, size] of own?.sizes ?? []) sizes.set(filename, size);
  }
  const shared = sharedColumns(latestColumns);
  const spelled = textOf(latest?.info.name);
  return { name: spelled, of: (version) => columns.get(version) ?? shared, sizes };
}

async function ownColumns(
  source: MetadataSource,
  release: {
    readonly name: string;
    readonly version: string;
    readonly files: readonly Candidate[];
  },
  signal: AbortSignal,
): Promise<{ columns: MetadataColumns; sizes?: ProjectInfo["sizes"] } | undefined> {
  const wheel = release.files.find(({ file }) => file.coreMetadata !== false);
  const columns = wheel && (await source.beside(wheel, signal));
  if (columns) return { columns };
  const json = await source.release(release.name, release.version, signal);
  return json && { columns: infoColumns(json.info), sizes: json.sizes };
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
