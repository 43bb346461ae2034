import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import type { Job } from "../plugin-contract.ts";
import type { NewPublication, PublicationRef, PublishedPath } from "./types.ts";

/** Starts a publication; nobody sees it before it is complete. */
export declare function createPublication(
  ctx: Ctx,
  input: NewPublication,
  trx?: Trx,
): Promise<PublicationRef>;

/** Adds paths, 2 000 per statement. */
export declare function addPaths(
  ctx: Ctx,
  publication: PublicationRef,
  paths: readonly PublishedPath[],
): Promise<void>;

/** Checks the paths and makes the publication visible: distributions serve it from this instant. */
export declare function completePublication(job: Job, publication: PublicationRef): Promise<void>;

/** Removes a publication, complete or not; its distributions keep existing without it. */
export declare function deletePublication(ctx: Ctx, domain: DomainRef, id: string): Promise<void>;
