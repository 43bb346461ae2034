import type { Caller, flights, growth } from "#sdk";
import type { ManifestFacts } from "../format/manifest.ts";
import type { PushMemory } from "./push-memory.ts";
import type { ChangeEntry, Registry } from "./registry.ts";

/** A manifest that was received and read, and where it goes. */
export interface ManifestPush {
  readonly caller: Caller;
  /** `repository.id` */
  readonly repository: string;
  readonly facts: ManifestFacts;
  /** Names that it gets. */
  readonly tags: readonly string[];
  readonly entry: ChangeEntry;
  readonly tools: Pick<Registry["tools"], "recording">;
  readonly memory: PushMemory;
}

/**
 * `alone`: its repository has to be waited for, or it is not new. `retains`: its repository keeps only so
 * many versions, which follows from this push.
 */
export type PushOutcome = "done" | "retains" | "alone" | { readonly missing: readonly string[] };

type Units = ReturnType<typeof flights.newUnits>;
export type Growth = ReturnType<typeof growth.growthOf>;

export interface NewPush {
  readonly push: ManifestPush;
  /** `content.id` that its manifest gets. */
  readonly manifest: string;
}

/** Pushes of new manifests, the units that they make, and the versions that take them. */
export interface Batch {
  readonly pushes: readonly NewPush[];
  readonly manifests: Units;
  readonly tags: Units;
  readonly growths: readonly Growth[];
  /** Parts of them that are pending. */
  readonly pending: number;
}
