import type { Job, RemoteSession } from "#sdk";
import type { ManifestFacts } from "../format/manifest.ts";
import type { UpstreamRepository } from "../upstream/registry.ts";
import type { CurrentVersion } from "./options.ts";

/** What one sync works with. */
export interface MirrorSync {
  readonly job: Job;
  readonly remote: RemoteSession;
  readonly upstream: UpstreamRepository;
  readonly version: CurrentVersion;
}

/** A manifest that is read: from the database if it is known. */
export interface ReadManifest {
  readonly facts: ManifestFacts;
  /** `content.id` of one that is known. */
  readonly id: string | undefined;
}
