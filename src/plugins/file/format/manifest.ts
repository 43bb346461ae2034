import { isUtf8 } from "node:buffer";
import { isHexDigest } from "#base/digests.ts";
import { isRelativePath } from "#base/paths.ts";
import { manifestErrors } from "../errors.ts";
import { SeenPaths } from "./seen-paths.ts";

/** One file of a manifest (core-content §17). */
export interface ManifestEntry {
  readonly relativePath: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** A path has 2 048 bytes at most; the rest is digest, size, commas and some white space. */
const MAX_LINE_BYTES = 4096;
const NEWLINE = 10;

/**
 * Reads a manifest piece by piece: `<relative_path>,<sha256>,<size>` per line, split from the
 * right since a path may hold commas. Blank lines, comments (`#`) and exact repetitions are left
 * out.
 *
 * Memory grows by the paths that were seen, not by the text.
 */
export class ManifestReader {
  readonly #name: string;
  readonly #seen = new SeenPaths();
  #rest: Buffer = Buffer.alloc(0);
  #line = 0;

  /** @param name of the manifest for errors: its address. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Lines read so far. */
  get lines(): number {
    return this.#line;
  }

  /** @throws `manifestErrors.line` naming the manifest and the line. */
  push(chunk: Buffer): ManifestEntry[] {
    const entries: ManifestEntry[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#take(this.#joined(chunk.subarray(start, end)), entries);
      start = end + 1;
    }
    // A copy, so that a short rest does not hold the whole chunk.
    this.#rest = Buffer.from(this.#joined(chunk.subarray(start)));
    if (this.#rest.length > MAX_LINE_BYTES) this.#fail(this.#line + 1, "the line is too long");
    return entries;
  }

  /** The last line, if no newline ends it. */
  end(): ManifestEntry[] {
    const entries: ManifestEntry[] = [];
    if (this.#rest.length > 0) this.#take(this.#rest, entries);
    this.#rest = Buffer.alloc(0);
    return entries;
  }

  #joined(part: Buffer): Buffer {
    if (this.#rest.length === 0) return part;
    const whole = Buffer.concat([this.#rest, part]);
    this.#rest = Buffer.alloc(0);
    return whole;
  }

  #take(bytes: Buffer, entries: ManifestEntry[]): void {
    this.#line += 1;
    if (bytes.length > MAX_LINE_BYTES) this.#fail(this.#line, "the line is too long");
    if (!isUtf8(bytes)) this.#fail(this.#line, "the line is not UTF-8");
    const text = bytes.toString("utf8");
    const line = (this.#line === 1 ? text.replace(/^\ufeff/, "") : text).trim();
    if (line === "" || line.startsWith("#")) return;
    const entry = parseLine(line);
    if (typeof entry === "string") this.#fail(this.#line, entry);
    else if (this.#isFirst(entry)) entries.push(entry);
  }

  /** False for a repetition; a path with two digests or sizes is an error. */
  #isFirst(entry: ManifestEntry): boolean {
    const mark = fingerprint(entry);
    const before = this.#seen.note(entry.relativePath, mark);
    if (before !== undefined && before !== mark)
      this.#fail(this.#line, `'${entry.relativePath}' is listed before with other content`);
    return before === undefined;
  }

  #fail(line: number, reason: string): never {
    throw manifestErrors.line({ line, name: this.#name, reason });
  }
}

/** The entry, or what is wrong with the line. */
function parseLine(line: string): ManifestEntry | string {
  const sizeAt = line.lastIndexOf(",");
  const digestAt = line.lastIndexOf(",", sizeAt - 1);
  if (sizeAt <= 0 || digestAt < 0) return "a line has three fields";
  const relativePath = line.slice(0, digestAt).trim();
  const sha256 = line
    .slice(digestAt + 1, sizeAt)
    .trim()
    .toLowerCase();
  const size = line.slice(sizeAt + 1).trim();
  if (!isRelativePath(relativePath)) return "the path is not in canonical form";
  if (!isHexDigest("sha256", sha256)) return "the digest is not a SHA-256 in hexadecimal";
  if (!/^\d{1,16}$/.test(size) || !Number.isSafeInteger(Number(size)))
    return "the size is not a number of bytes";
  return { relativePath, sha256, sizeBytes: Number(size) };
}

/** A number that tells two entries of one path apart; never 0. */
function fingerprint({ sha256, sizeBytes }: ManifestEntry): number {
  return (Number.parseInt(sha256.slice(0, 8), 16) ^ sizeBytes) >>> 0 || 1;
}

/** One line with its newline; a size that nobody knows is left out. */
export function manifestLine(entry: {
  readonly relativePath: string;
  readonly sha256: string;
  readonly sizeBytes: number | null;
}): string {
  const size = entry.sizeBytes === null ? "" : `,${entry.sizeBytes}`;
  return `${entry.relativePath},${entry.sha256}${size}\n`;
}
