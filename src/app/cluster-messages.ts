/** What the processes of a server say to the one that started them. */
export type WorkerMessage =
  | { readonly kind: "serving" }
  | { readonly kind: "beat" }
  /** It has done its share, and wants to be replaced. */
  | { readonly kind: "spent"; readonly why: string };

/** What they are told: another one serves in your place. */
export interface RetireMessage {
  readonly kind: "retire";
}

/** How often a process says that it is alive. */
export const BEAT_MS = 1000;

/** Says something to the primary; one that has gone is noticed by the disconnect. */
export const tellPrimary = (message: WorkerMessage): void =>
  void process.send?.(message, undefined, undefined, () => undefined);
