import type { Place } from "./places.ts";
import type { Registry, RepositoryVisit } from "./registry.ts";

interface Sent {
  readonly place: Place;
  /** `manifests/<reference>` or `blobs/<digest>` */
  readonly path: string;
  readonly sizeBytes: number | null;
  readonly contentArtifact?: string | null;
  /** Of the answer where nobody knows the size. */
  readonly bytes?: number;
  readonly isFromMemory?: boolean;
}

/** Counts a manifest or blob once it is sent; what was sent at once is given as undefined. */
export function counted(
  { tools }: Registry,
  { exchange, caller }: RepositoryVisit,
  sending: undefined | Promise<void>,
  { place, contentArtifact = null, path, sizeBytes, ...how }: Sent,
): undefined | Promise<void> {
  const { countSent } = tools;
  if (!countSent) return sending;
  const { domain, distribution, basePath } = place;
  const file = {
    ...{ domain, distribution, basePath, type: "container.container" },
    ...{ path, contentArtifact, sizeBytes },
  };
  const user = caller.user?.username;
  const note = () => countSent(exchange, file, { ...how, ...(user === undefined ? {} : { user }) });
  if (sending) return sending.then(note);
  note();
  return undefined;
}
