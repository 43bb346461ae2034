import { type Algorithm, key128, naturalKey } from "#base/digests.ts";
import type { ContentType, DetailRow } from "../plugin-contract.ts";
import type { KnownSource } from "./queries.ts";
import type { FileSource, UnitFile, UnitInput } from "./types.ts";

/** A unit that is to be saved, with its keys; equal units of a batch are one. */
export interface PreparedUnit {
  readonly row: DetailRow;
  readonly labels: UnitInput["labels"];
  readonly key: Buffer;
  /** `key` in hex: what the unit is found by. */
  readonly hex: string;
  readonly slot: string | null;
  readonly files: readonly PreparedFile[];
  /** Position in the batch of the first of the equal units. */
  readonly first: number;
}

export interface PreparedFile extends UnitFile {
  readonly pathKey: string;
}

/**
 * The slot of a unit: of all units with the same slot a version holds one.
 *
 * @returns `key128(path)` where the slot is the path, so that a path finds its unit; otherwise a key
 *   over the name of the type and the texts, each prefixed by its byte length; null without the rule.
 */
export function slotOf(type: ContentType, row: DetailRow): string | null {
  const parts = type.slot?.(row);
  if (!parts) return null;
  if (type.slotIsPath) return key128(parts.join("/"));
  return key128([type.type, ...parts].map((part) => `${Buffer.byteLength(part)}:${part}`).join(""));
}

/** The units of a batch with their keys, equal ones merged, in the order in which rows are locked. */
export function prepareUnits(
  type: ContentType,
  units: readonly UnitInput[],
): { readonly prepared: readonly PreparedUnit[]; readonly keys: readonly string[] } {
  const byKey = new Map<string, PreparedUnit>();
  const keys = units.map((unit, first) => {
    const key = naturalKey(type.naturalKey(unit.row));
    const hex = key.toString("hex");
    const equal = byKey.get(hex);
    const files = mergeFiles([...(equal?.files ?? []), ...unit.files.map(prepareFile)]);
    if (equal) byKey.set(hex, { ...equal, files });
    else {
      const { row, labels } = unit;
      byKey.set(hex, { row, labels, key, hex, slot: slotOf(type, row), files, first });
    }
    return hex;
  });
  const prepared = [...byKey.values()].sort((a, b) => Buffer.compare(a.key, b.key));
  return { prepared, keys };
}

const prepareFile = (file: UnitFile): PreparedFile => ({
  ...file,
  pathKey: key128(file.relativePath),
});

/** One entry per path and remote; an artifact that is known wins over one that is not. */
function mergeFiles(files: readonly PreparedFile[]): PreparedFile[] {
  const merged = new Map<string, PreparedFile>();
  const artifacts = new Map<string, string>();
  for (const file of files) {
    if (file.artifact) artifacts.set(file.pathKey, file.artifact);
    const name = `${file.pathKey} ${file.source?.remote ?? ""}`;
    merged.set(name, { ...file, ...merged.get(name) });
  }
  return [...merged.values()].map((file) => ({
    ...file,
    artifact: artifacts.get(file.pathKey) ?? file.artifact,
  }));
}

/** Whether what is said of a source is news; facts that are not given are no news. */
export function sourceDiffers(source: FileSource, known: KnownSource | undefined): boolean {
  if (!known || source.url !== known.url) return true;
  if (source.size !== undefined && source.size !== known.size) return true;
  if (source.sha256 !== undefined && source.sha256 !== known.sha256?.toString("hex")) return true;
  const digests = Object.entries(source.otherDigests ?? {});
  return digests.some(([name, value]) => known.otherDigests?.[name as Algorithm] !== value);
}
