import { createRequire } from "node:module";
import { parentPort } from "node:worker_threads";
import type { JqAnswer, JqRequest } from "./isolated-jq.ts";

/** What a program may hold, the 16 MiB of the interpreter included. */
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
/** Exit codes of jq: 2 and 3 mean that the program is none. */
const NO_PROGRAM = new Set([2, 3]);

interface JqWeb {
  /** @throws an error with `exitCode` and what jq said */
  raw(input: string, program: string, flags: string[]): string | undefined;
}

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
/** Part of the runtime, but not of the types of Node. */
declare const WebAssembly: { readonly Memory: { readonly prototype: Memory } };

limitMemory();
// Programs see it as `$ENV._`.
process.argv[1] = "jq";
const jq: JqWeb = await createRequire(import.meta.url)("jq-web");

parentPort?.on("message", (request: JqRequest) => parentPort?.postMessage(run(request)));
parentPort?.postMessage({ kind: "ready" } satisfies JqAnswer);

function run({ program, input }: JqRequest): JqAnswer {
  try {
    return { kind: "output", text: jq.raw(input, program, ["-c"]) ?? "" };
  } catch (error) {
    const { exitCode, message } = error as { exitCode?: number; message?: string };
    // It has said nothing because it ended in the middle of something.
    if (exitCode === undefined) return { kind: "broken" };
    const why = (message ?? "").replace(/^Non-zero exit code: \d+\n/, "").slice(0, 500);
    return { kind: NO_PROGRAM.has(exitCode) ? "no-program" : "failed", why };
  }
}

/** The interpreter asks for more memory here, and believes that there is none. */
function limitMemory(): void {
  const { prototype } = WebAssembly.Memory;
  const { grow } = prototype;
  prototype.grow = function (this: Memory, pages: number) {
    if (this.buffer.byteLength + pages * 65_536 > MAX_MEMORY_BYTES) {
      throw new RangeError("A jq program wants too much memory.");
    }
    return grow.call(this, pages);
  };
}
