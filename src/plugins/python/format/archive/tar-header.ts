import { Malformed } from "../malformed.ts";
import { shown } from "./member-name.ts";

export const BLOCK_BYTES = 512;

/** What a header block says. */
export interface TarHeader {
  readonly name: string;
  readonly sizeBytes: number;
  /** One character: `0` file, `5` folder, `x` PAX, `L` long name, and so on. */
  readonly type: string;
}

const ZEROS = Buffer.alloc(64 * 1024);

/** Whether there are only zeros; looks at up to 64 KiB. */
export const isZero = (bytes: Buffer): boolean => bytes.equals(ZEROS.subarray(0, bytes.length));

const CHECKSUM_AT = 148;
const CHECKSUM_END = 156;

/**
 * Reads a header block of USTAR, PAX, GNU tar or of the time before them.
 *
 * @throws `Malformed` if its checksum is wrong, or if its size is no number or negative.
 * @see POSIX.1-2024, pax, "ustar Interchange Format"
 */
export function readTarHeader(block: Buffer): TarHeader {
  const [unsigned, signed] = checksumsOf(block);
  const checksum = octal(block.subarray(CHECKSUM_AT, CHECKSUM_END));
  if (checksum === undefined || (checksum !== unsigned && checksum !== signed))
    throw new Malformed("A header of the tar archive does not have its checksum.");
  const name = nameOf(block);
  const sizeBytes = sizeOf(block.subarray(124, 136));
  if (sizeBytes === undefined) throw new Malformed(`Member ${shown(name)} has no size.`);
  const type = block.toString("latin1", 156, 157);
  return { name, sizeBytes, type: type === "\0" ? "0" : type };
}

/** Old programs added up the bytes with their signs. */
function checksumsOf(block: Buffer): readonly [unsigned: number, signed: number] {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < BLOCK_BYTES; at += 1) {
    const isOwn = at >= CHECKSUM_AT && at < CHECKSUM_END;
    const byte = isOwn ? SPACE : (block[at] ?? 0);
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  return [unsigned, signed];
}

const SPACE = 32;

/** Octal digits with blanks around them, up to a NUL; nothing is 0. */
function octal(field: Buffer): number | undefined {
  const digits = untilNul(field).trim() || "0";
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

/** Octal, or a binary number that begins with a byte of 128, as GNU tar writes large ones. */
function sizeOf(field: Buffer): number | undefined {
  if ((field[0] ?? 0) < 128) return octal(field);
  const size = BigInt(`0x${field.toString("hex", 1)}`);
  return field[0] === 128 && size <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(size) : undefined;
}

/** GNU tar has times where POSIX has the first part of the name. */
function nameOf(block: Buffer): string {
  const isPosix = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isPosix ? untilNul(block.subarray(345, 500)) : "";
  const name = untilNul(block.subarray(0, 100));
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** A name in a field of a fixed size, which NUL ends if it is shorter. */
export function untilNul(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? field.length : end);
}
