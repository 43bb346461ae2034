import cluster, { type Worker } from "node:cluster";
import type { Log } from "#platform/log/log.ts";
import type { RetireMessage, WorkerMessage } from "./cluster-messages.ts";
import type { StopRequest } from "./signals.ts";

const RESPAWN_MS = 1000;
const WATCH_MS = 1000;
/** A process that does not serve after so long is given up. */
const START_MS = 120_000;
/** Between the request for a stack, the abort and the end of a process that hangs. */
const STEP_MS = 1000;

export interface FleetOptions {
  readonly count: number;
  readonly log: Log;
  /** A process that says nothing for so long hangs. */
  readonly timeoutMs: number;
}

interface Member {
  readonly worker: Worker;
  /** Whose place it takes. */
  replaces: Member | undefined;
  state: "starting" | "serving" | "retiring";
  isReplaced: boolean;
  isDoomed: boolean;
  lastHeardMs: number;
}

/**
 * The processes that share the addresses of a server. One that has done its share is replaced: the
 * new one listens before the old one stops, so that nobody is turned away. One that dies or hangs is
 * replaced as well; when none of them can start, all end.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<number, Member>();
  readonly #failed = Promise.withResolvers<number>();
  #isStopping = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    cluster.setupPrimary({
      execArgv: [
        ...process.execArgv,
        // What a hanging process does is told on standard error, without its variables.
        ...["--report-on-signal", "--report-signal=SIGQUIT", "--report-exclude-env"],
        ...["--report-compact", "--report-filename=stderr"],
      ],
    });
  }

  /** Serves until it is told to stop; resolves to the exit code. */
  async run(stop: StopRequest): Promise<number> {
    cluster.on("message", (worker, message: WorkerMessage) => this.#hear(worker, message));
    cluster.on("exit", (worker, code) => this.#bury(worker, code));
    const watch = setInterval(() => this.#watch(), WATCH_MS);
    for (let number = 0; number < this.#options.count; number += 1) this.#fork();
    const code = await Promise.race([this.#failed.promise, stop.first.then(() => 0)]);
    this.#isStopping = true;
    clearInterval(watch);
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    const ended = workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
    for (const worker of workers) worker.process.kill("SIGTERM");
    await Promise.all(ended);
    return code;
  }

  /** Replaces every process, one after the other has begun to serve. */
  renew(): void {
    for (const member of this.#members.values()) this.#replace(member, "the sources have changed");
  }

  #fork(replaces?: Member): void {
    if (this.#isStopping) return;
    const worker = cluster.fork();
    this.#members.set(worker.id, {
      worker,
      replaces,
      state: "starting",
      isReplaced: false,
      isDoomed: false,
      lastHeardMs: performance.now(),
    });
  }

  #hear(worker: Worker, message: WorkerMessage): void {
    const member = this.#members.get(worker.id);
    if (!member) return;
    member.lastHeardMs = performance.now();
    if (message.kind === "spent") this.#replace(member, message.why);
    if (message.kind !== "serving") return;
    member.state = "serving";
    const { replaces } = member;
    member.replaces = undefined;
    if (!replaces || !this.#members.has(replaces.worker.id)) return;
    replaces.state = "retiring";
    replaces.worker.send({ kind: "retire" } satisfies RetireMessage, () => undefined);
  }

  #replace(member: Member, why: string): void {
    if (member.state !== "serving" || member.isReplaced) return;
    member.isReplaced = true;
    this.#options.log.info(`Process ${member.worker.process.pid} is replaced: ${why}.`);
    this.#fork(member);
  }

  #bury(worker: Worker, code: number): void {
    const member = this.#members.get(worker.id);
    this.#members.delete(worker.id);
    if (!member || this.#isStopping || member.state === "retiring") return;
    const { log } = this.#options;
    if (member.state === "starting") {
      const others = [...this.#members.values()].filter(({ state }) => state === "serving");
      if (others.length === 0) {
        this.#failed.resolve(code || 1);
        return;
      }
      log.error(`Process ${worker.process.pid} could not start; it is tried again.`);
    } else {
      // Its replacement is on its way.
      if (member.isReplaced) return;
      log.error(`Process ${worker.process.pid} ended; another one takes its place.`);
    }
    setTimeout(() => this.#fork(member.replaces), RESPAWN_MS);
  }

  #watch(): void {
    const now = performance.now();
    for (const member of this.#members.values()) {
      const limitMs =
        member.state === "starting"
          ? Math.max(START_MS, this.#options.timeoutMs)
          : this.#options.timeoutMs;
      if (!member.isDoomed && now - member.lastHeardMs > limitMs) this.#end(member);
    }
  }

  #end(member: Member): void {
    member.isDoomed = true;
    const { process: child } = member.worker;
    this.#options.log.error(`Process ${child.pid} says nothing any more and is ended.`);
    child.kill("SIGQUIT");
    setTimeout(() => child.kill("SIGABRT"), STEP_MS);
    setTimeout(() => child.kill("SIGKILL"), 2 * STEP_MS);
  }
}
