import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { bufferSource } from "#plugins/python/format/archive/byte-source.ts";
import { readDistribution } from "#plugins/python/format/archive/read-distribution.ts";
import { BZIP2_SDIST } from "../../../support/bzip2-sdist.ts";
import { paxRecord, TAR_END, type TarMember, tarArchive } from "../../../support/tar-archive.ts";
import { zipArchive } from "../../../support/zip-archive.ts";

const METADATA = "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n\nWhat foo is.\n";
const OTHER = METADATA.replaceAll("1.0", "6.6");
const PATH = "foo-1.0/PKG-INFO";

const own: TarMember = { name: PATH, data: METADATA };
const folder: TarMember = { name: "foo-1.0/", type: "5" };
const code: TarMember = { name: "foo-1.0/foo.py", data: "x = 1\n".repeat(1000) };
const nested: TarMember = { name: "foo-1.0/foo.egg-info/PKG-INFO", data: OTHER };
const decoy: TarMember = { name: "decoy", data: "" };

const read = (bytes: Buffer) => readDistribution(bufferSource(bytes), "foo-1.0.tar.gz");
const sdist = (...members: TarMember[]) => read(gzipSync(tarArchive(members)));

const binarySize = (length: number, first = 0x80): Buffer => {
  const field = Buffer.alloc(12);
  field[0] = first;
  field.writeUInt32BE(length, 8);
  return field;
};
const pax = (...records: string[]): TarMember => ({
  name: "pax",
  type: "x",
  data: records.join(""),
});

const accepted: Readonly<Record<string, readonly TarMember[]>> = {
  "its PKG-INFO at the front": [folder, own, nested, code],
  "its PKG-INFO at the end": [folder, nested, code, { ...nested, name: "a/b/c/PKG-INFO" }, own],
  "a name that begins with a dot": [
    { ...nested, name: "./a/b/PKG-INFO" },
    { ...own, name: `./${PATH}` },
  ],
  "a PAX path": [pax(paxRecord("path", PATH), paxRecord("mtime", "1.5")), { ...own, name: "x" }],
  "a PAX size": [pax(paxRecord("size", String(METADATA.length))), { ...own, size: 0 }],
  "a GNU long name": [
    { name: "././@LongLink", type: "L", data: `${PATH}\0` },
    { ...own, name: "x" },
  ],
  "both, which agree": [
    { name: "././@LongLink", type: "L", data: `${PATH}\0` },
    pax(paxRecord("path", PATH)),
    { ...own, name: "x" },
  ],
  "a long name of a link": [
    { name: "././@LongLink", type: "K", data: "x".repeat(300) },
    { name: "foo-1.0/link", type: "2" },
    own,
  ],
  "a PAX header for all": [{ name: "pax", type: "g", data: paxRecord("comment", "é") }, own],
  "a name in two parts": [
    { ...own, name: "PKG-INFO", change: (header) => header.write("foo-1.0", 345) },
  ],
  "a binary size": [{ ...own, size: binarySize(METADATA.length) }],
  "headers from before POSIX": [
    {
      ...own,
      change: (header) => {
        header.fill(0, 257, 265);
        header[156] = 0;
      },
    },
  ],
  "a file of the name that has no metadata": [{ name: "PKG-INFO", data: "nothing" }, own],
  "links and folders of the name": [
    { ...folder, name: "x/PKG-INFO" },
    { name: "y/PKG-INFO", type: "2" },
    own,
  ],
};

for (const [name, members] of Object.entries(accepted)) {
  test(`reads a source archive with ${name}`, async () => {
    const { metadata, metadataBytes } = await sdist(...members);
    assert.deepEqual([metadata.name, metadata.version], ["foo", "1.0"]);
    assert.equal(metadataBytes, undefined);
  });
}

test("reads a source archive that bzip2 packed", async () => {
  const bzip2 = (bytes: Buffer) => readDistribution(bufferSource(bytes), "foo-1.0.tar.bz2");
  const { metadata } = await bzip2(BZIP2_SDIST);
  assert.deepEqual([metadata.name, metadata.version], ["foo", "1.0"]);
  await assert.rejects(bzip2(BZIP2_SDIST.subarray(0, -20)), { message: /bzip2 stream is cut off/ });
  await assert.rejects(bzip2(gzipSync(tarArchive([own]))), { message: /no bzip2 stream/ });
});

test("takes the PKG-INFO with the fewest folders above it", async () => {
  const deeper = { ...own, name: "foo-1.0/a/b/PKG-INFO" };
  assert.equal((await sdist(deeper, nested)).metadata.version, "6.6");
  assert.equal((await sdist(nested, deeper)).metadata.version, "6.6");
});

test("does not read on when nothing better can come", async () => {
  const large = { name: "foo-1.0/data.bin", data: randomBytes(1024 * 1024) };
  const bytes = gzipSync(tarArchive([own, large])).subarray(0, 1_000_000);
  let readBytes = 0;
  const source = bufferSource(bytes);
  const { metadata } = await readDistribution(
    {
      ...source,
      read: async (start, length) => {
        readBytes += length;
        return await source.read(start, length);
      },
    },
    "foo-1.0.tar.gz",
  );
  assert.equal(metadata.version, "1.0");
  assert.ok(readBytes < bytes.length);
});

const refusedMembers: Readonly<Record<string, readonly [readonly TarMember[], RegExp]>> = {
  "no PKG-INFO": [[code], /no PKG-INFO/],
  "PKG-INFO without Metadata-Version": [[{ ...own, data: "Name: foo\n" }], /no PKG-INFO/],
  "two of one name": [[nested, code, nested], /two members "foo-1.0\/foo.egg-info\/PKG-INFO"/],
  "PKG-INFO of 8 MiB and a byte": [
    [{ ...own, data: Buffer.alloc(8 * 1024 * 1024 + 1, 65) }],
    /larger than 8 MiB/,
  ],
  "an absolute name": [[{ name: "/etc/passwd" }, own], /is absolute/],
  "a name that leads out": [[{ name: "foo/../../x" }, own], /leads out/],
  "a drive": [[{ name: "C:\\x" }, own], /begins with a drive/],
  "no name": [[{ name: "" }, own], /has no name/],
  "a wrong checksum": [[{ ...own, checksum: 1 }], /its checksum/],
  "a negative size": [[{ ...decoy, size: binarySize(1, 0xff) }, own], /has no size/],
  "a size of 2⁶³": [
    [{ ...decoy, size: Buffer.from([0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]) }, own],
    /has no size/,
  ],
  "a size that is no number": [
    [{ ...decoy, size: Buffer.from("12345678x\0") }, own],
    /has no size/,
  ],
  "a link with a size": [[{ ...decoy, type: "1", size: 512 }, own], /no file and has a size/],
  "a sparse member": [[{ ...decoy, type: "S" }, own], /is of type "S"/],
  "a sparse member of PAX": [[pax(paxRecord("GNU.sparse.major", "1")), own], /is sparse/],
  "a type that nobody knows": [[{ ...decoy, type: "?" }, own], /is of type "\?"/],
  "a PAX path with NUL": [[pax(paxRecord("path", "a\0b")), own], /PAX header .* broken/],
  "an empty PAX path": [[pax(paxRecord("path", "")), own], /PAX header .* broken/],
  "two PAX paths": [
    [pax(paxRecord("path", "a"), paxRecord("path", "b")), own],
    /PAX header .* broken/,
  ],
  "a PAX size that is no number": [[pax(paxRecord("size", "-1")), own], /PAX header .* broken/],
  "a PAX record without a length": [[pax("path=a\n"), own], /PAX header .* broken/],
  "a PAX record that is too long": [[pax("99 path=a\n"), own], /PAX header .* broken/],
  "a PAX record of no key": [[pax("5 =a\n"), own], /PAX header .* broken/],
  "a PAX record of length 0": [[pax("0 path=a\n"), own], /PAX header .* broken/],
  "a PAX path for all": [
    [{ ...pax(paxRecord("path", PATH)), type: "g" }, own],
    /all members one name/,
  ],
  "two PAX headers": [
    [pax(paxRecord("a", "b")), pax(paxRecord("a", "b")), own],
    /two headers of one kind/,
  ],
  "two long names": [
    [{ name: "l", type: "L", data: "a\0" }, { name: "l", type: "L", data: "b\0" }, own],
    /two headers of one kind/,
  ],
  "a PAX path and another long name": [
    [{ name: "l", type: "L", data: "a\0" }, pax(paxRecord("path", "b")), own],
    /"b" is also called "a"/,
  ],
  "a PAX header of more than 1 MiB": [
    [pax(paxRecord("path", "x".repeat(1024 * 1024))), own],
    /larger than 1 MiB/,
  ],
  "a PAX path of 5 000 bytes": [
    [pax(paxRecord("path", "x".repeat(5000))), decoy],
    /longer than 4096/,
  ],
  "a PAX header that belongs to nothing": [[pax(paxRecord("path", "x"))], /belongs to nothing/],
  "bad metadata": [
    [{ ...own, data: METADATA.replace("foo", "f oo") }],
    /"foo-1.0\/PKG-INFO": The name "f oo"/,
  ],
};

for (const [name, [members, message]] of Object.entries(refusedMembers)) {
  test(`refuses a source archive with ${name}`, async () => {
    await assert.rejects(sdist(...members), { name: "Malformed", message });
  });
}

test("a PAX header of many records costs what it has bytes", async () => {
  const records = Array.from({ length: 60_000 }, () => paxRecord("comment", "x"));
  assert.equal((await sdist(pax(...records), own)).metadata.version, "1.0");
});

test("headers that extend others are bounded together", async () => {
  const large = { name: "pax", type: "g", data: paxRecord("comment", "x".repeat(900_000)) };
  const many = (count: number) => sdist(...Array.from({ length: count }, () => large), own);
  assert.equal((await many(30)).metadata.version, "1.0");
  await assert.rejects(many(40), { name: "Malformed", message: /exceed 32 MiB/ });
});

const junk = Buffer.from("junk");
const files: Readonly<Record<string, readonly [Buffer, RegExp]>> = {
  "an empty file": [Buffer.alloc(0), /cut off|broken/],
  "a text": [Buffer.from("not a gzip stream"), /gzip stream is broken/],
  "a zip archive": [zipArchive([{ name: PATH, data: METADATA }]), /zip archive, too/],
  "gzip with a zip archive behind it": [
    Buffer.concat([gzipSync(tarArchive([own])), zipArchive([{ name: PATH, data: OTHER }])]),
    /zip archive, too/,
  ],
  "something behind the end of the archive": [
    gzipSync(tarArchive([code], Buffer.concat([TAR_END, junk]))),
    /follows the end of the tar/,
  ],
  "members behind the end of the archive": [
    gzipSync(Buffer.concat([tarArchive([code]), tarArchive([own])])),
    /follows the end of the tar/,
  ],
  "something behind the gzip stream": [
    Buffer.concat([gzipSync(tarArchive([nested])), junk]),
    /follows the gzip stream|gzip stream is broken/,
  ],
  "an archive without an end": [gzipSync(tarArchive([code], Buffer.alloc(0))), /cut off/],
  "random bytes that are packed": [gzipSync(Buffer.alloc(2048, "random")), /its checksum/],
};

for (const [name, [bytes, message]] of Object.entries(files)) {
  test(`refuses ${name}`, async () => {
    await assert.rejects(read(bytes), { name: "Malformed", message });
  });
}

test("refuses a source archive that is cut off at any block or byte", async () => {
  const whole = tarArchive([folder, code, nested]);
  for (let length = 0; length < whole.length - TAR_END.length; length += 512)
    await assert.rejects(read(gzipSync(whole.subarray(0, length))), { name: "Malformed" });
  const packed = gzipSync(whole);
  for (let length = 0; length < packed.length; length += 1)
    await assert.rejects(read(packed.subarray(0, length)), { name: "Malformed" });
});

test("an error of the store stays what it is", async () => {
  const source = {
    sizeBytes: 1000,
    read: async (_start: number, length: number) => {
      if (length < 1000) throw new Error("unexpected");
      throw new Error("The disk is gone.");
    },
  };
  await assert.rejects(readDistribution(source, "foo-1.0.tar.gz"), {
    message: "The disk is gone.",
  });
});

test("gigabytes of zeros in a member are not unpacked for ever", async () => {
  const size = 2 ** 31;
  const header = tarArchive([{ name: "foo-1.0/zeros", size }], Buffer.alloc(0));
  const bytes = gzipSync(Buffer.concat([header, Buffer.alloc(1024 * 1024)]));
  await assert.rejects(read(bytes), { name: "Malformed", message: /no PKG-INFO/ });
});
