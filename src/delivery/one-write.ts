import type { ServerResponse } from "node:http";
import type { Exchange } from "./exchange.ts";

/** Larger bodies are not worth a copy. */
const MOST_BYTES = 16_384;

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
 * A small body that leaves with its head in one write. The head is the one that Node wrote for the
 * first whole answer; after that only the date and the id are put in, which costs a third of making
 * it anew.
 */
export class OneWrite {
  /** Each character is a byte. */
  readonly #text: string;
  #head: Head | undefined;

  constructor(bytes: Buffer) {
    this.#text = bytes.toString("latin1");
  }

  /** Sends the answer, or its head for HEAD; whether it did. */
  send({ response, isHead, correlationId }: Exchange): boolean {
    const head = this.#head;
    if (!head || !isUsual(response)) return false;
    const { untilId, untilDate, rest } = head;
    (response as WithHead)._header = untilId + correlationId + untilDate + currentDate() + rest;
    if (isHead) response.end();
    else response.end(this.#text, "latin1");
    return true;
  }

  /** Takes note of the head that was just written for this answer, whole and with status 200. */
  learn({ response, correlationId }: Exchange): void {
    const text = (response as WithHead)._header;
    if (this.#head || !text || !isUsual(response)) return;
    const idAt = text.indexOf(ID + correlationId);
    const dateAt = text.indexOf(DATE, idAt);
    if (idAt < 0 || dateAt < 0) return;
    const untilId = text.slice(0, idAt + ID.length);
    const untilDate = text.slice(untilId.length + correlationId.length, dateAt + DATE.length);
    const rest = text.slice(dateAt + DATE.length + DATE_LENGTH);
    this.#head = { untilId, untilDate, rest };
  }
}

/** For bodies that are small enough. */
export const oneWriteOf = (bytes: Buffer): OneWrite | undefined =>
  bytes.length <= MOST_BYTES ? new OneWrite(bytes) : undefined;

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
