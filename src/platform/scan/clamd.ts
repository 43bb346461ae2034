import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Scanner, Verdict } from "./scanner.ts";

export interface ClamdOptions {
  readonly host: string;
  readonly port: number;
  /** Time of one scan altogether. */
  readonly timeoutMs: number;
}

/** Longest answer; a daemon that says more is none. */
const MAX_ANSWER = 4096;
const CONNECT_MS = 10_000;
/** clamd takes larger ones, but this bounds what waits in memory. */
const CHUNK = 65_536;
const VERSION_MS = 600_000;

/**
 * A ClamAV daemon over TCP, by its command `INSTREAM`: a connection per scan, lengths of four bytes
 * before each chunk, and the back-pressure of the socket.
 */
export class Clamd implements Scanner {
  readonly #options: ClamdOptions;
  #version: { readonly text: string; readonly until: number } | undefined;

  constructor(options: ClamdOptions) {
    this.#options = options;
  }

  async scan(bytes: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<Verdict> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
    try {
      using conversation = await Conversation.open(this.#options, either);
      return verdictOf(await conversation.stream(bytes));
    } catch (error) {
      signal?.throwIfAborted();
      const reason = timeout.aborted ? "no answer in time" : (error as Error).message;
      return { kind: "failed", reason };
    }
  }

  async version(): Promise<string> {
    if (this.#version && this.#version.until > performance.now()) return this.#version.text;
    try {
      using conversation = await Conversation.open(this.#options, AbortSignal.timeout(CONNECT_MS));
      const text = await conversation.ask("zVERSION\0");
      this.#version = { text, until: performance.now() + VERSION_MS };
      return text;
    } catch {
      return "";
    }
  }
}

/** One connection, whose answer is collected while we send. */
class Conversation implements Disposable {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  readonly #answer: Promise<string>;
  #hasAnswered = false;

  private constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    this.#answer = this.#read();
    // Told by whoever waits for it; a scan that fails earlier does not.
    this.#answer.catch(() => undefined);
  }

  static async open({ host, port }: ClamdOptions, signal: AbortSignal): Promise<Conversation> {
    const socket = connect({ host, port, noDelay: true });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
    const abort = () => socket.destroy(new Error("no connection in time"));
    limit.addEventListener("abort", abort, { once: true });
    try {
      await once(socket, "connect");
    } finally {
      limit.removeEventListener("abort", abort);
    }
    socket.on("error", () => undefined);
    signal.addEventListener("abort", () => socket.destroy(), { once: true });
    return new Conversation(socket, signal);
  }

  async ask(command: string): Promise<string> {
    await this.#write(Buffer.from(command));
    return this.#answer;
  }

  async stream(bytes: AsyncIterable<Buffer>): Promise<string> {
    await this.#write(Buffer.from("zINSTREAM\0"));
    for await (const piece of bytes) {
      for (let start = 0; start < piece.length; start += CHUNK) {
        // A daemon that has seen enough answers and closes.
        if (this.#hasAnswered) return this.#answer;
        const chunk = piece.subarray(start, start + CHUNK);
        const length = Buffer.alloc(4);
        length.writeUInt32BE(chunk.length);
        await this.#write(Buffer.concat([length, chunk]));
      }
    }
    if (!this.#hasAnswered) await this.#write(Buffer.alloc(4));
    return this.#answer;
  }

  async #write(bytes: Buffer): Promise<void> {
    if (this.#hasAnswered || this.#socket.write(bytes)) return;
    const over = Promise.withResolvers<void>();
    const done = () => over.resolve();
    this.#socket.once("drain", done).once("close", done);
    await over.promise;
    this.#socket.off("drain", done).off("close", done);
  }

  async #read(): Promise<string> {
    let text = "";
    try {
      for await (const chunk of this.#socket) {
        text += (chunk as Buffer).toString("latin1");
        const end = text.search(/[\0\n]/);
        if (end >= 0) return text.slice(0, end);
        if (text.length > MAX_ANSWER) throw new Error("its answer has no end");
      }
    } finally {
      this.#hasAnswered = true;
    }
    this.#signal.throwIfAborted();
    throw new Error("it closed the connection without an answer");
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

function verdictOf(answer: string): Verdict {
  if (/: OK$/.test(answer)) return { kind: "clean" };
  const [, signature] = /^[^:]*: (.+) FOUND$/.exec(answer) ?? [];
  if (signature !== undefined) return { kind: "infected", signature };
  if (/size limit exceeded/i.test(answer)) return { kind: "oversize" };
  return { kind: "failed", reason: answer.slice(0, 200) };
}
