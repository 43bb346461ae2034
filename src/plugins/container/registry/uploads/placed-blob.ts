import type { DomainRef, placement, saveArtifacts } from "#sdk";
import type { ChangeEntry, Registry } from "../registry.ts";
import type { EndingUpload } from "./session-rows.ts";

export type StorableFile = Parameters<typeof saveArtifacts>[2][number];
type PlacedFile = Parameters<typeof placement.record>[2][number];
type Early = ReturnType<typeof placement.announce>;
type Tools = Pick<Registry["tools"], "recording">;

/** A blob whose bytes are here and right, and where it goes. */
export interface NewBlob {
  readonly domain: DomainRef;
  /** `repository.id` */
  readonly repository: string;
  readonly digest: string;
  readonly file: StorableFile;
  /** Its announcement, where it has begun. */
  readonly early?: Early | undefined;
  /** The session that it closes. */
  readonly upload?: EndingUpload;
  readonly entry: ChangeEntry;
}

/** What is still missing of it: the rows. */
export interface PlacedBlob extends Omit<NewBlob, "file" | "early"> {
  readonly tools: Tools;
  readonly memory: Registry["pushMemory"];
  readonly sizeBytes: number;
  /** Its artifact by `artifact.id`, or what becomes one. */
  readonly source: { readonly artifact: string } | { readonly placed: PlacedFile };
}
