import { type ChildProcess, fork } from "node:child_process";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Measurement } from "#base/measurement.ts";
import { reasons } from "#core/tasks/rules.ts";
import type { ClaimedTask, Outcome } from "#core/tasks/types.ts";
import type { ChildMessage, RunMessage } from "./messages.ts";

/** How to start a child: a file that builds a context and calls `serveChild`. */
export interface ChildEntry {
  readonly file: string;
  readonly args: readonly string[];
}

/** How a run in a child ended: with an outcome, or with the child. */
export type ChildEnd =
  | { readonly kind: "outcome"; readonly outcome: Outcome; readonly rssBytes: number }
  | { readonly kind: "died"; readonly reason: string };

/** A child that is asked to leave and does not is killed. */
const LEAVE_MS = 5000;

/** A process that runs tasks, one at a time. */
export class TaskChild {
  readonly #process: ChildProcess;
  readonly #ready: Promise<void>;
  readonly #died: Promise<ChildEnd>;
  #isReady = false;
  #hasEnded = false;
  #tasks = 0;

  constructor(
    entry: ChildEntry,
    memoryMb: number,
    onMeasured: (measurements: readonly Measurement[]) => void,
  ) {
    this.#process = fork(entry.file, [...entry.args], {
      // A small nursery: what a sync makes per file dies young, and a large one is only resident.
      // To optimise for size costs a quarter of the CPU time, and keeps large syncs below 200 MB.
      execArgv: [
        `--max-old-space-size=${memoryMb}`,
        "--max-semi-space-size=4",
        "--optimize-for-size",
      ],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ready = promise;
    this.#process.on("message", (message: ChildMessage) => {
      if (message.kind === "measured") onMeasured(message.measurements);
      if (message.kind !== "ready") return;
      this.#isReady = true;
      resolve();
    });
    this.#died = new Promise((end) => {
      this.#process.once("exit", (code, signal) => {
        this.#hasEnded = true;
        end({ kind: "died", reason: exitReason(code, signal) });
      });
      this.#process.once("error", (error) => {
        if (this.#process.pid !== undefined) return;
        this.#hasEnded = true;
        end({ kind: "died", reason: `Task process could not be started: ${error.message}` });
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Tasks that it has been given. */
  get tasks(): number {
    return this.#tasks;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Resolves when the child has told the outcome or is gone; never rejects. */
  async run(task: ClaimedTask, owner: RunMessage["owner"]): Promise<ChildEnd> {
    this.#tasks += 1;
    const early = await Promise.race([this.#ready, this.#died]);
    if (early) return early;
    const told = new Promise<ChildEnd>((resolve) => {
      const onMessage = (message: ChildMessage): void => {
        if (message.kind !== "outcome" || message.task !== task.id) return;
        this.#process.off("message", onMessage);
        const { outcome, rssBytes } = message;
        resolve({ kind: "outcome", outcome, rssBytes });
      };
      this.#process.on("message", onMessage);
    });
    const message: RunMessage = { kind: "run", task, owner };
    // A message that cannot be sent means that the child is dying; its exit says why.
    this.#process.send(message, undefined, undefined, () => undefined);
    return await Promise.race([told, this.#died]);
  }

  /** Asks the running task to stop; to be repeated until it does. */
  abort(): void {
    // Before its handler is there, this signal would open the debugger's port.
    this.#process.kill(this.#isReady ? "SIGUSR1" : "SIGKILL");
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  /** Hangs up; resolves when the process is gone. */
  async retire(): Promise<void> {
    if (this.#hasEnded) return;
    if (this.#process.connected) this.#process.disconnect();
    const late = new AbortController();
    const overdue = sleep(LEAVE_MS, undefined, { signal: late.signal }).then(
      () => this.kill(),
      () => undefined,
    );
    await this.#died;
    late.abort();
    await overdue;
  }
}

function exitReason(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return reasons.signal(constants.signals[signal]);
  return reasons.exit(code ?? 0);
}
