import type { ServerResponse } from "node:http";
import type { Exchange } from "./exchange.ts";

/** Larger bodies are not worth a copy: they leave beside their head, in one system call. */
const MOST_COPIED_BYTES = 16_384;

/** The head of an answer around what differs from one to the next. */
interface Head {
  readonly untilId: string;
  readonly untilDate: string;
  readonly rest: string;
}

const ID = "\r\nCorrelation-ID: ";
const DATE = "\r\nDate: ";
/** `Mon, 30 Nov 2026 03:00:00 GMT` */
const DATE_LENGTH = 29;

/** Node tells nobody which head it has written, and takes none that is complete. */
type WithHead = ServerResponse & { _header?: string | null };

/**
 * A body that leaves with its head in one write. The head is the one that Node wrote for the first
 * whole answer with this mark; after that only the date and the id are put in, which costs a third
 * of making it anew.
 */
export class OneWrite {
  readonly #bytes: Buffer;
  /** The bytes of a small body once more: each character is one. */
  #text: string | undefined;
  readonly #heads = new Map<string | undefined, Head>();

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** In memory, copy included. */
  get weight(): number {
    const { length } = this.#bytes;
    return length <= MOST_COPIED_BYTES ? 2 * length : length;
  }

  /** Sends the answer, or its head for HEAD; whether it did. */
  send({ response, isHead, correlationId }: Exchange, mark?: string): boolean {
    const head = this.#heads.get(mark);
    if (!head || !isUsual(response)) return false;
    const { untilId, untilDate, rest } = head;
    (response as WithHead)._header = untilId + correlationId + untilDate + currentDate() + rest;
    if (isHead) response.end();
    else if (this.#bytes.length > MOST_COPIED_BYTES) response.end(this.#bytes);
    else {
      this.#text ??= this.#bytes.toString("latin1");
      response.end(this.#text, "latin1");
    }
    return true;
  }

  /** Takes note of the head that was just written for this answer, whole and with status 200. */
  learn({ response, correlationId }: Exchange, mark?: string): void {
    const text = (response as WithHead)._header;
    if (this.#heads.has(mark) || !text || !isUsual(response)) return;
    const idAt = text.indexOf(ID + correlationId);
    const dateAt = text.indexOf(DATE, idAt);
    if (idAt < 0 || dateAt < 0) return;
    const untilId = text.slice(0, idAt + ID.length);
    const untilDate = text.slice(untilId.length + correlationId.length, dateAt + DATE.length);
    const rest = text.slice(dateAt + DATE.length + DATE_LENGTH);
    this.#heads.set(mark, { untilId, untilDate, rest });
  }
}

/** The connection goes on, and nobody has added to the head. */
const isUsual = (response: ServerResponse): boolean =>
  response.shouldKeepAlive && response.getHeaderNames().length === 0;

let second = 0;
let date = "";

/** `Date` of an answer, to the second (RFC 9110, section 6.6.1). */
function currentDate(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    date = new Date(now * 1000).toUTCString();
  }
  return date;
}
