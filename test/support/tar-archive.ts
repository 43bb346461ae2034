/** A member to write, and what its header says otherwise than it should. */
export interface TarMember {
  readonly name: string;
  readonly data?: string | Buffer;
  /** One character: `0` file, `5` folder, `x` PAX, `L` long name. */
  readonly type?: string;
  /** The size that the header has, in bytes or as the field itself. */
  readonly size?: number | Buffer;
  /** Changes the header before its checksum is written. */
  readonly change?: (header: Buffer) => void;
  readonly checksum?: number;
}

const BLOCK_BYTES = 512;

/** The end of a tar archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK_BYTES);

/** Writes a tar archive, right or wrong. */
export const tarArchive = (members: readonly TarMember[], end: Buffer = TAR_END): Buffer =>
  Buffer.concat([...members.flatMap(blocksOf), end]);

/** A record of a PAX header, whose length counts itself. */
export function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

function blocksOf(member: TarMember): readonly Buffer[] {
  const data = Buffer.from(member.data ?? "");
  const fill = Buffer.alloc((BLOCK_BYTES - (data.length % BLOCK_BYTES)) % BLOCK_BYTES);
  return [headerOf(member, data.length), data, fill];
}

function headerOf(member: TarMember, length: number): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(member.name, 0, 100);
  header.write("0000644\0", 100);
  const size = member.size ?? length;
  if (typeof size === "number") header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  else size.copy(header, 124);
  header.write("00000000000\0", 136);
  header.write(member.type ?? "0", 156);
  header.write("ustar\u000000", 257);
  member.change?.(header);
  header.write("        ", 148);
  const sum = member.checksum ?? header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
