import type { Measurement } from "#base/measurement.ts";
import type { ClaimedTask, Outcome } from "#core/tasks/types.ts";

/** What a supervisor says to its child: run this, as that slot. */
export interface RunMessage {
  readonly kind: "run";
  readonly task: ClaimedTask;
  readonly owner: { readonly id: string; readonly name: string };
}

/** What a child says to its supervisor. */
export type ChildMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "measured"; readonly measurements: readonly Measurement[] }
  | {
      readonly kind: "outcome";
      readonly task: string;
      readonly outcome: Outcome;
      /** Resident size after the task. */
      readonly rssBytes: number;
    };
