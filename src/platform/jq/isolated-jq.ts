import { createHash } from "node:crypto";
import { Worker } from "node:worker_threads";
import type { Json } from "#base/json.ts";
import type { Jq, JqResult } from "./jq.ts";

export interface JqRequest {
  readonly program: string;
  readonly input: string;
}

export type JqAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "output"; readonly text: string }
  | { readonly kind: "failed" | "no-program"; readonly why: string }
  /** The interpreter cannot go on. */
  | { readonly kind: "broken" };

/** For one run of a program: real ones take milliseconds, and a busy machine makes them wait. */
const RUN_MS = 2000;
/** For the thread to load the interpreter. */
const START_MS = 20_000;
/** A program that had to be stopped is not tried again for so long: others wait behind it. */
const PENALTY_MS = 10_000;
/** Runs that wait for the thread; more are refused. */
const MAX_WAITING = 200;
const MAX_TEXT = 65_536;
const MAX_KEPT = 2000;

const STOPPED = "it took too much time or memory";
const BUSY = "too many programs wait to be run";

interface Thread {
  readonly worker: Worker;
  /** Answers in the order of the questions; undefined when the thread has ended. */
  next(timeoutMs: number): Promise<JqAnswer | undefined>;
}

/**
 * The real jq, as WebAssembly in a thread of its own that can be ended at any moment. Results are
 * kept, since the same header comes with every request of a client.
 */
export class IsolatedJq implements Jq, AsyncDisposable {
  readonly #kept = new Map<string, JqResult>();
  /** Runs that others with the same question wait for. */
  readonly #running = new Map<string, Promise<JqResult>>();
  readonly #penalties = new Map<string, number>();
  #thread: Promise<Thread | undefined> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  async first(program: string, input: string): Promise<JqResult> {
    if (input.length > MAX_TEXT) return failed("the input is too long");
    const key = createHash("sha256")
      .update(`${program.length} ${program}${input}`)
      .digest("base64");
    const kept = this.#kept.get(key) ?? this.#running.get(key);
    if (kept) return kept;
    const run = this.#first(key, program, input);
    this.#running.set(key, run);
    try {
      return await run;
    } finally {
      this.#running.delete(key);
    }
  }

  async #first(key: string, program: string, input: string): Promise<JqResult> {
    const result = resultOf(await this.#ask({ program: `first(\n${program}\n)`, input }));
    const isLasting = result.kind !== "failed" && !/\bnow\b/.test(program);
    if (isLasting) this.#keep(key, result);
    return result;
  }

  async problem(program: string): Promise<string | undefined> {
    if (program.length > MAX_TEXT) return "the program is too long";
    const idle = `if . then (\n${program}\n) else empty end`;
    const answer = await this.#ask({ program: idle, input: "null" });
    if (answer.kind === "no-program") return answer.why.split("\n")[0] ?? "";
    return answer.kind === "broken" ? STOPPED : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const thread = await this.#thread;
    await thread?.worker.terminate();
  }

  #keep(key: string, result: JqResult): void {
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    this.#kept.set(key, result);
  }

  /** One at a time, in order. */
  async #ask(request: JqRequest): Promise<Exclude<JqAnswer, { kind: "ready" }>> {
    if (this.#waiting >= MAX_WAITING) return { kind: "failed", why: BUSY };
    this.#waiting += 1;
    const turn = this.#last.then(() => this.#run(request));
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting -= 1;
    }
  }

  async #run(request: JqRequest): Promise<Exclude<JqAnswer, { kind: "ready" }>> {
    const until = this.#penalties.get(request.program) ?? 0;
    if (until > performance.now()) return { kind: "broken" };
    this.#thread ??= startThread(() => {
      this.#thread = undefined;
    });
    const thread = await this.#thread;
    // A space in front, so that nothing is taken for an option.
    thread?.worker.postMessage({ ...request, program: ` ${request.program}` } satisfies JqRequest);
    const answer = await thread?.next(RUN_MS);
    if (answer && answer.kind !== "broken" && answer.kind !== "ready") return answer;
    this.#thread = undefined;
    await thread?.worker.terminate();
    if (thread) this.#punish(request.program);
    return { kind: "broken" };
  }

  #punish(program: string): void {
    if (this.#penalties.size >= MAX_KEPT) this.#penalties.clear();
    this.#penalties.set(program, performance.now() + PENALTY_MS);
  }
}

const failed = (why: string): JqResult => ({ kind: "failed", why });

function resultOf(answer: Exclude<JqAnswer, { kind: "ready" }>): JqResult {
  switch (answer.kind) {
    case "output":
      if (answer.text.length > MAX_TEXT) return failed("the result is too long");
      if (answer.text === "") return { kind: "empty" };
      return parsed(answer.text);
    case "broken":
      return failed(STOPPED);
    case "failed":
    case "no-program":
      return failed(answer.why);
    default:
      return answer satisfies never;
  }
}

function parsed(text: string): JqResult {
  try {
    return { kind: "value", value: JSON.parse(text) as Json };
  } catch {
    return failed("the result is no JSON");
  }
}

/** Undefined if it does not start. */
async function startThread(onExit: () => void): Promise<Thread | undefined> {
  const worker = new Worker(new URL("./jq-thread.ts", import.meta.url), {
    execArgv: [],
    env: {},
    stdin: false,
    // Nothing that a program prints reaches our own output; it is read and dropped.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 96 },
  });
  worker.unref();
  // Running out of memory is an error event; who waits learns of it by the end of the thread.
  worker.on("error", () => undefined).once("exit", onExit);
  worker.stdout.resume();
  worker.stderr.resume();
  const thread = { worker, next: (timeoutMs: number) => nextAnswer(worker, timeoutMs) };
  const answer = await thread.next(START_MS);
  if (answer?.kind === "ready") return thread;
  await worker.terminate();
  return undefined;
}

/** The process stays alive while somebody waits for an answer. */
async function nextAnswer(worker: Worker, timeoutMs: number): Promise<JqAnswer | undefined> {
  const { promise, resolve } = Promise.withResolvers<JqAnswer | undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  const end = () => resolve(undefined);
  worker.ref();
  worker.once("message", resolve).once("exit", end);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    worker.off("message", resolve).off("exit", end);
    worker.unref();
  }
}
