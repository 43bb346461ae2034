import type { Caller, DomainRef, Trx } from "../ctx.ts";

/** Something that others may want to hear of, once it is on stable storage (service §12.4). */
export type CoreEvent = RepositoryEvent | PublicationEvent | DistributionEvent | AuthEvent;

interface Happened {
  readonly domain: DomainRef;
  /** On whose behalf; absent where nobody asked for it. */
  readonly by?: Caller;
}

export interface RepositoryEvent extends Happened {
  readonly kind: "repository";
  readonly action: "created" | "deleted";
  /** `file.file` */
  readonly type: string;
  readonly name: string;
}

/** A publication is complete: distributions may serve it. */
export interface PublicationEvent extends Happened {
  readonly kind: "publication";
  readonly action: "completed";
  readonly type: string;
  readonly id: string;
}

/** What a distribution serves may be something else. */
export interface DistributionEvent extends Happened {
  readonly kind: "distribution";
  readonly action: "created" | "changed" | "deleted";
  readonly id: string;
}

/** Somebody has begun a session, was refused what he says he is, or acts as somebody else. */
export interface AuthEvent {
  readonly kind: "auth";
  readonly action: "login" | "failed" | "hijack";
  /** As given: of a failure it may be anything; null where there is none. */
  readonly user: string | null;
  /** Of `hijack`: the user as whom he acts from now on, or no longer. */
  readonly acting?: { readonly as: string } | { readonly released: string };
  /** Name of the class that recognises requests: `basic`. */
  readonly by: string;
  readonly correlationId: string;
  /** Path and query. */
  readonly route: string;
}

/** Hears of events in one process. It must not wait: what takes its time it does later. */
export interface EventListener {
  hear(event: CoreEvent): void;
  /**
   * Runs in the transaction that makes the events true, just before its commit: what is written here
   * is as lasting as what it is about, and costs everybody a statement. What it throws undoes all.
   */
  keepWithin?(trx: Trx, events: readonly CoreEvent[]): Promise<void>;
  /** Ends what it does later, within seconds. */
  close?(): Promise<void>;
}
