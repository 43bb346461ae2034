import type { Ctx } from "#core/ctx.ts";
import { reasons } from "#core/tasks/rules.ts";
import type { ClaimedTask, Outcome } from "#core/tasks/types.ts";
import type { TaskChild } from "./task-child.ts";

/** Why a task is aborted; `lost` is that somebody else has ended it, or may have by now. */
export type AbortKind = "cancel" | "shutdown" | "runtime" | "lost";

const REPEAT_MS = 1000;

/** One task under way in a slot, and how it is stopped. */
export class Run implements Disposable {
  readonly task: ClaimedTask;
  /** When this process learned of its claim, by the monotonic clock. */
  readonly claimedAtMs = performance.now();
  /** It has ended, and its end is being written. */
  isRecording = false;
  readonly #settings: Ctx["settings"];
  readonly #controller = new AbortController();
  #kind: AbortKind | undefined;
  #child: TaskChild | undefined;
  #abortedAtMs = 0;
  #repeat: NodeJS.Timeout | undefined;
  #limit: NodeJS.Timeout | undefined;

  constructor(task: ClaimedTask, settings: Ctx["settings"]) {
    this.task = task;
    this.#settings = settings;
    const limitMs = settings.TASK_MAX_RUNTIME * 1000;
    if (limitMs > 0) this.#limit = setTimeout(() => this.abort("runtime"), limitMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isAborted(): boolean {
    return this.#kind !== undefined;
  }

  /** The child that runs it; one that was aborted before is told now. */
  hold(child: TaskChild): void {
    this.#child = child;
    if (this.isAborted) this.#push();
  }

  /** Asks the task to stop, again every second, and ends the child that does not listen. */
  abort(kind: AbortKind): void {
    if (this.isRecording) return;
    if (kind === "lost") {
      this.#kind = kind;
      this.#controller.abort();
      this.#child?.kill();
      return;
    }
    if (this.#kind) return;
    this.#kind = kind;
    this.#abortedAtMs = performance.now();
    this.#controller.abort();
    this.#push();
    this.#repeat = setInterval(() => this.#push(), REPEAT_MS);
  }

  #push(): void {
    const waitedMs = performance.now() - this.#abortedAtMs;
    if (this.#kind === "lost" || waitedMs >= this.#settings.TASK_KILL_INTERVAL * 1000) {
      this.#child?.kill();
    } else this.#child?.abort();
  }

  /** What is recorded, given why the task was stopped; work that was finished stands. */
  judge(outcome: Outcome): Outcome {
    if (this.#kind === undefined) {
      return outcome.state === "canceled" ? { state: "canceled" } : outcome;
    }
    if (this.#kind === "lost") return failed(reasons.missing);
    if (outcome.state === "completed") return outcome;
    if (this.#kind === "cancel") return { state: "canceled" };
    if (this.#kind === "shutdown") return failed(reasons.shutdown);
    return failed(reasons.maxRuntime(this.#settings.TASK_MAX_RUNTIME));
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#limit);
    clearInterval(this.#repeat);
  }
}

const failed = (reason: string): Outcome => ({ state: "failed", error: { reason } });
