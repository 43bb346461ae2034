import { createHash } from "node:crypto";
import { crc32, gzipSync } from "node:zlib";

/** A file of a release, made on the spot. */
export interface Distribution {
  readonly filename: string;
  readonly bytes: Buffer;
  /** Lower-case hex. */
  readonly sha256: string;
  /** METADATA or PKG-INFO that it holds. */
  readonly metadata: string;
}

export interface Release {
  readonly name?: string;
  readonly version?: string;
  /** Headers after name and version. */
  readonly headers?: readonly string[];
  readonly body?: string;
  /** Makes otherwise equal files differ. */
  readonly salt?: string;
}

const metadataOf = ({ name = "shelf-reader", version = "0.1", headers = [], body }: Release) =>
  [
    "Metadata-Version: 2.1",
    `Name: ${name}`,
    `Version: ${version}`,
    ...headers,
    ...(body === undefined ? [] : ["", body]),
  ].join("\n");

const stemOf = ({ name = "shelf-reader", version = "0.1" }: Release): string =>
  `${name.toLowerCase().replace(/[-_.]+/g, "_")}-${version}`;

const distribution = (filename: string, bytes: Buffer, metadata: string): Distribution => ({
  filename,
  bytes,
  sha256: createHash("sha256").update(bytes).digest("hex"),
  metadata,
});

export function wheel(release: Release = {}, tags = "py3-none-any"): Distribution {
  const stem = stemOf(release);
  const metadata = metadataOf(release);
  const members = {
    [`${stem}.dist-info/METADATA`]: metadata,
    [`${stem}.dist-info/WHEEL`]: "Wheel-Version: 1.0\n",
    "salt.txt": release.salt ?? "",
  };
  return distribution(`${stem}-${tags}.whl`, zip(members), metadata);
}

export function sdist(release: Release = {}): Distribution {
  const stem = stemOf(release);
  const metadata = metadataOf(release);
  const members = { [`${stem}/PKG-INFO`]: metadata, [`${stem}/salt.txt`]: release.salt ?? "" };
  return distribution(`${stem}.tar.gz`, gzipSync(tar(members)), metadata);
}

type Members = Readonly<Record<string, string>>;

function zip(members: Members): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(members)) {
    const data = Buffer.from(text);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(data.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    const made = Buffer.from([20, 3]);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02"), made, fields, tail, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(locals.length, 4);
  end.writeUInt16LE(locals.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, Buffer.from("PK\x05\x06"), end]);
}

function tar(members: Members): Buffer {
  const blocks = Object.entries(members).flatMap(([name, text]) => {
    const data = Buffer.from(text);
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write("0000644\0", 100);
    header.write("0000000\0", 108);
    header.write("0000000\0", 116);
    header.write(`${data.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        ", 148);
    header.write("0", 156);
    header.write("ustar\x0000", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
