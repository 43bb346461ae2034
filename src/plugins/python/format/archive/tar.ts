import { Malformed } from "../malformed.ts";
import { checkMemberName, shown } from "./member-name.ts";
import { type PaxRecords, readPax } from "./pax.ts";
import type { PulledBytes } from "./pulled-bytes.ts";
import { BLOCK_BYTES, isZero, readTarHeader, type TarHeader, untilNul } from "./tar-header.ts";

/** A file of a tar archive; its content comes next, and may be left out. */
export interface TarFile {
  readonly name: string;
  readonly sizeBytes: number;
  content(): Promise<Buffer>;
}

const MAX_MEMBERS = 100_000;
/** Of a header that only says something about the next one. */
const MAX_EXTENSION_BYTES = 1024 * 1024;
/** Of all of them, each counted with what it costs to look at it. */
const MAX_EXTENSIONS_BYTES = 32 * 1024 * 1024;
const EXTENSION_COST_BYTES = 64;
/** Links, devices, folders and pipes, behind whose headers readers expect different things. */
const WITHOUT_CONTENT = "123456";

/**
 * Goes through the files of a tar archive.
 *
 * @param maxBytes where the reading ends without an error, before the file that reaches beyond it.
 * @throws `Malformed` if the archive is cut off or broken, if a name leads out of it, if readers
 *   could see different members, or if something follows its end.
 */
export async function* tarFiles(bytes: PulledBytes, maxBytes: number): AsyncGenerator<TarFile> {
  const extensions: Extensions = { leftBytes: MAX_EXTENSIONS_BYTES };
  for (let members = 0; ; members += 1) {
    const header = await memberHeader(bytes, extensions);
    if (header === undefined) return await refuseMore(bytes, maxBytes);
    if (members === MAX_MEMBERS)
      throw new Malformed(`The archive has more than ${MAX_MEMBERS} members.`);
    const { name, sizeBytes } = header;
    checkMemberName(name);
    const stored = Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
    const end = bytes.takenBytes + stored;
    if (end > maxBytes) return;
    if (header.type === "0" || header.type === "7") {
      yield { name, sizeBytes, content: () => bytes.exactly(sizeBytes) };
    }
    await bytes.skip(end - bytes.takenBytes);
  }
}

/** What may still be read of headers that extend others. */
interface Extensions {
  leftBytes: number;
}

/** What headers before a member say about it. */
interface Said {
  readonly pax?: PaxRecords;
  readonly longName?: string;
  readonly longLink?: string;
}

/** The next member with what the headers before it say about it; undefined at the end. */
async function memberHeader(
  bytes: PulledBytes,
  extensions: Extensions,
): Promise<TarHeader | undefined> {
  let before: Said = {};
  for (;;) {
    const block = await bytes.exactly(BLOCK_BYTES);
    if (isZero(block)) {
      if (Object.keys(before).length === 0) return undefined;
      throw new Malformed("The tar archive ends with a header that belongs to nothing.");
    }
    const header = readTarHeader(block);
    if (!"gxLK".includes(header.type)) return completed(header, before);
    extensions.leftBytes -= header.sizeBytes + EXTENSION_COST_BYTES;
    if (extensions.leftBytes < 0)
      throw new Malformed("The headers of the tar archive that extend others exceed 32 MiB.");
    const said = saidBy(header.type, await extension(bytes, header));
    if (Object.keys(said).some((key) => key in before))
      throw new Malformed("A member of the tar archive has two headers of one kind before it.");
    before = { ...before, ...said };
  }
}

function saidBy(type: string, content: Buffer): Said {
  switch (type) {
    case "x":
      return { pax: readPax(content) };
    case "L":
      return { longName: untilNul(content) };
    case "K":
      return { longLink: untilNul(content) };
    default: {
      const { path, sizeBytes } = readPax(content);
      if (path === undefined && sizeBytes === undefined) return {};
      throw new Malformed("A header of the tar archive gives all members one name or size.");
    }
  }
}

/** The content of a header that extends the next one. */
async function extension(bytes: PulledBytes, { sizeBytes, type }: TarHeader): Promise<Buffer> {
  if (sizeBytes > MAX_EXTENSION_BYTES)
    throw new Malformed(`A header of type ${type} of the tar archive is larger than 1 MiB.`);
  const content = Buffer.from(await bytes.exactly(sizeBytes));
  await bytes.skip((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
  return content;
}

function completed(header: TarHeader, { pax = {}, longName }: Said): TarHeader {
  const { type } = header;
  if (pax.path !== undefined && longName !== undefined && pax.path !== longName)
    throw new Malformed(`Member ${shown(pax.path)} is also called ${shown(longName)}.`);
  const name = pax.path ?? longName ?? header.name;
  const sizeBytes = pax.sizeBytes ?? header.sizeBytes;
  if (!/^[0-7]$/.test(type))
    throw new Malformed(`Member ${shown(name)} of the tar archive is of type ${shown(type)}.`);
  if (WITHOUT_CONTENT.includes(type) && sizeBytes > 0)
    throw new Malformed(`Member ${shown(name)} is no file and has a size.`);
  return { name, sizeBytes, type };
}

/** Behind the end there are only blocks to fill up. */
async function refuseMore(bytes: PulledBytes, maxBytes: number): Promise<void> {
  while (bytes.takenBytes < maxBytes) {
    const part = await bytes.some(BLOCK_BYTES * 128);
    if (part === undefined) return;
    if (!isZero(part)) throw new Malformed("Something follows the end of the tar archive.");
  }
}
