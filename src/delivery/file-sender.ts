import type { Ctx } from "#core/ctx.ts";
import { type Answer, frequentAnswer, inMemory, storedAnswer } from "./answer.ts";
import type { Stored } from "./contract.ts";
import type { FileSender, RemoteFile, SentFrom } from "./door.ts";
import { Downloads } from "./downloads.ts";
import type { Exchange } from "./exchange.ts";
import { OpenFiles } from "./open-files.ts";
import { send } from "./send.ts";
import { sendUpstream } from "./send-upstream.ts";
import { sourcesOf } from "./source.ts";
import { type OpenUpstream, openUpstream, Upstreams } from "./upstream.ts";

/** Descriptors that are kept open for files that do not fit in memory. */
const OPEN_FILES = 256;

/** What the content app sends files with, for the doors of the API server. */
export class DoorFiles implements FileSender {
  readonly #ctx: Ctx;
  readonly #files = new OpenFiles(OPEN_FILES);
  readonly #upstreams: Upstreams;
  readonly #downloads: Downloads;

  constructor(ctx: Ctx, open: OpenUpstream = openUpstream) {
    this.#ctx = ctx;
    this.#upstreams = new Upstreams(ctx, open);
    this.#downloads = new Downloads(ctx, this.#upstreams);
  }

  answer(stored: Stored, { domain, method }: SentFrom): Promise<Answer> {
    const request = { match: { domain }, method };
    return storedAnswer(this.#ctx, this.#files, { stored, request });
  }

  inMemory(answer: Answer): Promise<Answer> {
    return inMemory(this.#files, answer);
  }

  frequent(bytes: Buffer, of: Parameters<typeof frequentAnswer>[1]): Answer {
    return frequentAnswer(bytes, of);
  }

  send(
    exchange: Exchange,
    answer: Answer,
    refusals: Parameters<FileSender["send"]>[2] = {},
  ): undefined | Promise<void> {
    return send({ ctx: this.#ctx, files: this.#files }, exchange, { answer, ...refusals });
  }

  async sendUpstream(exchange: Exchange, file: RemoteFile, { domain }: SentFrom): Promise<number> {
    const sources = await sourcesOf(this.#ctx, { domain }, file.contentArtifact);
    const upstream = { kind: "upstream" as const, ...file, sources };
    const tools = { ctx: this.#ctx, files: this.#files };
    const download = () => this.#downloads.of({ match: { domain } }, upstream, () => undefined);
    return sendUpstream(tools, exchange, { upstream, domain: domain.name, download });
  }

  /** Lets downloads finish; what is not done when the signal aborts is cut off. */
  async close(signal: AbortSignal): Promise<void> {
    await this.#downloads.drain(signal);
    await this.#upstreams[Symbol.asyncDispose]();
    await this.#files[Symbol.asyncDispose]();
  }
}
