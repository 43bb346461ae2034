import { createReadStream } from "node:fs";
import { addAbortSignal } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { operatorErrors } from "../errors.ts";
import { type LogLine, unwrapped } from "./log-line.ts";

/** Longer lines are no access lines; what is beyond is not kept. */
const MOST_CHARS = 262_144;

/**
 * Lines of log files, one after another; `.gz` and `.zst` are unpacked, and `-` is standard input. A
 * line that is longer than 256 Ki characters comes as an empty one, so that it is counted.
 *
 * @throws `operatorErrors.file`
 */
export async function* localLines(
  files: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  for (const file of files) {
    try {
      for await (const text of linesOf(unpacked(file, signal))) yield { text: unwrapped(text) };
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = error as NodeJS.ErrnoException;
      throw operatorErrors.file(file, code ?? message);
    }
  }
}

function unpacked(file: string, signal: AbortSignal): AsyncIterable<Buffer> {
  if (file === "-") return addAbortSignal(signal, process.stdin);
  const source = createReadStream(file, { signal });
  const unpack = file.endsWith(".gz")
    ? createGunzip()
    : file.endsWith(".zst")
      ? createZstdDecompress()
      : undefined;
  if (!unpack) return source;
  source.on("error", (error) => unpack.destroy(error));
  return source.pipe(unpack);
}

async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  let isTooLong = false;
  for await (const chunk of source) {
    const [first = "", ...others] = decoder.decode(chunk, { stream: true }).split("\n");
    if (!isTooLong) rest += first;
    isTooLong ||= rest.length > MOST_CHARS;
    if (isTooLong) rest = "";
    const last = others.pop();
    if (last === undefined) continue;
    yield rest;
    yield* others;
    rest = last;
    isTooLong = false;
  }
  if (rest !== "") yield rest;
}
