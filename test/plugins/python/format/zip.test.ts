import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { crc32, deflateRawSync } from "node:zlib";
import { bufferSource } from "#plugins/python/format/archive/byte-source.ts";
import { readDistribution } from "#plugins/python/format/archive/read-distribution.ts";
import { type ZipFile, type ZipOptions, zipArchive } from "../../../support/zip-archive.ts";

const METADATA = "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n\nWhat foo is.\n";
const OTHER = METADATA.replaceAll("1.0", "6.6");
const PATH = "foo-1.0.dist-info/METADATA";
const FILENAME = "foo-1.0-py3-none-any.whl";

const own: ZipFile = { name: PATH, data: METADATA };
const code: ZipFile = { name: "foo/__init__.py", data: "x = 1\n".repeat(100) };

const read = (bytes: Buffer, filename = FILENAME) =>
  readDistribution(bufferSource(bytes), filename);

async function wheel(change: Partial<ZipFile> = {}, options: ZipOptions = {}) {
  return await read(zipArchive([code, { ...own, ...change }], options));
}

const wide = (...values: readonly number[]): Buffer => {
  const field = Buffer.alloc(4 + 8 * values.length);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(8 * values.length, 2);
  for (const [index, value] of values.entries())
    field.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  return field;
};
const unicodeName = (name: string): Buffer => {
  const field = Buffer.concat([Buffer.alloc(9), Buffer.from(name)]);
  field.writeUInt16LE(0x7075, 0);
  field.writeUInt16LE(field.length - 4, 2);
  return field;
};
const FULL = 0xffffffff;
const sizeBytes = METADATA.length;
const packedBytes = deflateRawSync(METADATA).length;
const sfx = Buffer.from("#!/usr/bin/python3\n");

const accepted: Readonly<Record<string, readonly [Partial<ZipFile>, ZipOptions]>> = {
  "a member that is packed": [{}, {}],
  "a member that is stored": [{ method: 0 }, {}],
  "a comment": [{}, { comment: Buffer.from("made by hand") }],
  "data before it, which offsets do not count": [{}, { prefix: sfx }],
  "data before it, which offsets count": [{}, { prefix: sfx, countsPrefix: true }],
  "end records of zip64": [{}, { isWide: true }],
  "end records of zip64 behind data": [{}, { isWide: true, prefix: sfx }],
  "a data descriptor": [{ descriptor: true }, {}],
  "sizes of zip64 in both headers": [
    {
      method: 0,
      local: { packedBytes: FULL, unpackedBytes: FULL, extra: wide(sizeBytes, sizeBytes) },
      central: { packedBytes: FULL, unpackedBytes: FULL, extra: wide(sizeBytes, sizeBytes) },
    },
    {},
  ],
  "a name that the extra field repeats": [{ central: { extra: unicodeName(PATH) } }, {}],
  "extra fields that only one header has": [{ local: { extra: Buffer.alloc(8) } }, {}],
};

for (const [name, [change, options]] of Object.entries(accepted)) {
  test(`reads a wheel with ${name}`, async () => {
    const { metadata, metadataBytes } = await wheel(change, options);
    assert.equal(metadata.description, "What foo is.\n");
    assert.deepEqual(metadataBytes, Buffer.from(METADATA));
  });
}

const refusedMembers: Readonly<Record<string, readonly [Partial<ZipFile>, RegExp]>> = {
  "another local name": [{ local: { name: "foo-1.0.dist-info/METADATB" } }, /two headers/],
  "a longer local name": [{ local: { name: `${PATH}X` } }, /two headers/],
  "another local size": [{ local: { unpackedBytes: 7 } }, /two headers/],
  "another local packed size": [{ local: { packedBytes: 7 } }, /two headers/],
  "a local size of 0": [{ local: { unpackedBytes: 0 } }, /two headers/],
  "another local checksum": [{ local: { crc: 7 } }, /two headers/],
  "another local method": [{ local: { method: 0 } }, /two headers/],
  "other local flags": [{ local: { flags: 8 } }, /two headers/],
  "another size": [
    { local: { unpackedBytes: sizeBytes + 1 }, central: { unpackedBytes: sizeBytes + 1 } },
    /does not unpack to the size/,
  ],
  "a size that is too small": [
    { local: { unpackedBytes: 9 }, central: { unpackedBytes: 9 } },
    /does not unpack/,
  ],
  "another checksum": [{ local: { crc: 7 }, central: { crc: 7 } }, /its checksum/],
  "an unknown method": [{ local: { method: 12 }, central: { method: 12 } }, /method 12/],
  "more data than deflate has": [
    { local: { packedBytes: packedBytes + 2 }, central: { packedBytes: packedBytes + 2 } },
    /overlap/,
  ],
  "a descriptor of lies": [{ descriptor: Buffer.alloc(16, 1) }, /data descriptor/],
  "no descriptor where there should be one": [{ descriptor: Buffer.alloc(0) }, /data descriptor/],
  encryption: [{ flags: 1 }, /is encrypted/],
  "strong encryption": [{ flags: 0x40 }, /is encrypted/],
  "a masked header": [{ flags: 0x2000 }, /is encrypted/],
  "8 MiB and a byte": [{ data: Buffer.alloc(8 * 1024 * 1024 + 1, 65) }, /larger than 8 MiB/],
  "a claim of 4 GB": [{ central: { unpackedBytes: FULL - 1 } }, /larger than 8 MiB/],
  "a size in no zip64 field": [{ central: { unpackedBytes: FULL } }, /zip64 sizes/],
  "half a zip64 field": [
    { central: { unpackedBytes: FULL, packedBytes: FULL, extra: wide(1) } },
    /zip64 sizes/,
  ],
  "two zip64 fields": [
    { central: { extra: Buffer.concat([wide(1), wide(1)]) } },
    /extra fields of member/,
  ],
  "an extra field that is cut off": [
    { central: { extra: Buffer.from([9, 9, 9, 9, 9]) } },
    /extra fields of member/,
  ],
  "another name in an extra field": [{ central: { extra: unicodeName("x") } }, /also called "x"/],
  "no Metadata-Version": [{ data: "Name: foo\nVersion: 1.0\n" }, /has no Metadata-Version/],
  "no name": [{ data: METADATA.replace("Name: foo\n", "") }, /The name "" is not valid/],
  "a bad name": [{ data: METADATA.replace("foo", "f/oo") }, /The name "f\/oo" is not valid/],
  "no version": [{ data: METADATA.replace("Version: 1.0\n\n", "\n") }, /There is no version/],
  "two names": [{ data: `Name: bar\n${METADATA}` }, /METADATA": .* header name twice/],
  "another place": [{ central: { offset: 3 } }, /not where the central directory says|overlap/],
  "a place outside": [{ central: { offset: FULL - 1 } }, /overlap/],
};

for (const [name, [change, message]] of Object.entries(refusedMembers)) {
  test(`refuses a wheel whose METADATA has ${name}`, async () => {
    await assert.rejects(wheel(change), { name: "Malformed", message });
  });
}

test("refuses data behind the end of what deflate packed", async () => {
  const sizes = {
    flags: 0,
    crc: crc32(METADATA),
    packedBytes: packedBytes + 16,
    unpackedBytes: sizeBytes,
  };
  const change = { descriptor: Buffer.alloc(16), local: sizes, central: sizes };
  await assert.rejects(wheel(change), { name: "Malformed", message: /data behind its end/ });
});

test("refuses a name beyond ASCII that stands for METADATA elsewhere", async () => {
  const file = { ...code, name: "é", central: { extra: unicodeName(`x/METADATA`) } };
  await assert.rejects(read(zipArchive([file, own])), { message: /also called "x\/METADATA"/ });
});

const names: Readonly<Record<string, RegExp>> = {
  "/etc/passwd": /is absolute/,
  "\\etc\\passwd": /is absolute/,
  "../foo": /leads out/,
  "foo/../../bar": /leads out/,
  "foo\\..\\bar": /leads out/,
  "foo/..": /leads out/,
  "C:/foo": /begins with a drive/,
  "foo\0bar": /has NUL in it/,
  "": /has no name/,
  ["x".repeat(5000)]: /longer than 4096/,
};

for (const [name, message] of Object.entries(names)) {
  test(`refuses a member named ${JSON.stringify(name.slice(0, 20))}`, async () => {
    await assert.rejects(read(zipArchive([own, { name, data: "" }])), {
      name: "Malformed",
      message,
    });
  });
}

const good = zipArchive([code, own]);
const tarHead = Buffer.alloc(512);
tarHead.write("ustar", 257);

const refusedFiles: Readonly<Record<string, readonly [Buffer, RegExp]>> = {
  "an empty file": [Buffer.alloc(0), /no zip archive/],
  "a text": [Buffer.from("not a zip archive, but long enough for one"), /no zip archive/],
  "bytes behind the end": [Buffer.concat([good, Buffer.from("x")]), /bytes follow/],
  "another archive behind the end": [
    Buffer.concat([good, Buffer.from("x"), good]),
    /Another archive begins before/,
  ],
  "an archive before it": [zipArchive([own], { prefix: good }), /Another archive begins before/],
  "gzip before it": [zipArchive([own], { prefix: Buffer.from([31, 139, 8]) }), /Another archive/],
  "bzip2 before it": [zipArchive([own], { prefix: Buffer.from("BZh9") }), /Another archive/],
  "tar before it": [zipArchive([own], { prefix: tarHead }), /Another archive/],
  "tar in its first member": [
    zipArchive([{ name: "a", data: tarHead.subarray(31), method: 0 }, own]),
    /Another archive/,
  ],
  "an end record in the comment": [
    zipArchive([own], { comment: good.subarray(-22) }),
    /does not lie before|two end records/,
  ],
  "no METADATA": [zipArchive([code]), /no METADATA with a Metadata-Version/],
  "no members": [zipArchive([]), /no METADATA/],
  "METADATA twice": [zipArchive([own, { ...own, data: OTHER }]), /two members "foo-1.0/],
  "another member twice": [zipArchive([own, code, code]), /two members "foo\/__init__.py"/],
  "two folders of information": [
    zipArchive([
      { ...own, name: "a-1.dist-info/METADATA" },
      { ...own, name: "b-1.dist-info/METADATA" },
    ]),
    /2 folders .dist-info/,
  ],
  "two members in one place": [
    zipArchive([own, { ...own, name: "x/METADATA", central: { offset: 0 } }]),
    /overlap/,
  ],
  "a member in another": [zipArchive([{ ...own, central: { packedBytes: 500 } }, code]), /overlap/],
  "a wrong number of members": [
    zipArchive([own, code], { end: (end) => end.fill(1, 8, 9).fill(1, 10, 11) }),
    /longer than its members/,
  ],
  "a larger number of members": [
    zipArchive([own, code], { end: (end) => end.fill(3, 8, 9).fill(3, 10, 11) }),
    /shorter than its members/,
  ],
  "more than 100 000 members": [
    zipArchive([own], {
      isWide: true,
      end: (end) => {
        end.writeBigUInt64LE(100_001n, 24);
        end.writeBigUInt64LE(100_001n, 32);
      },
    }),
    /more than 100000 members/,
  ],
  "a directory of 64 MiB and a byte": [
    zipArchive([own], { end: (end) => end.writeUInt32LE((64 << 20) + 1, 12) }),
    /larger than 64 MiB/,
  ],
  "a directory before the file": [
    zipArchive([own], { end: (end) => end.writeUInt32LE(5000, 12) }),
    /does not lie before/,
  ],
  "a directory elsewhere": [
    zipArchive([own], { end: (end) => end.writeUInt32LE(5000, 16) }),
    /does not lie before/,
  ],
  "several disks": [zipArchive([own], { end: (end) => end.writeUInt16LE(1, 4) }), /several disks/],
  "two end records that differ": [
    zipArchive([own], {
      isWide: true,
      end: (end) => end.fill(7, 76 + 8, 76 + 12),
    }),
    /end records of the zip archive differ/,
  ],
  "a zip64 end record elsewhere": [
    zipArchive([own], { isWide: true, end: (end) => end.writeUInt32LE(7, 64) }),
    /not where its locator says/,
  ],
};

for (const [name, [bytes, message]] of Object.entries(refusedFiles)) {
  test(`refuses ${name}`, async () => {
    await assert.rejects(read(bytes), { name: "Malformed", message });
  });
}

test("refuses a wheel that is cut off anywhere, or that lacks a byte", async () => {
  for (let length = 0; length < good.length; length += 1) {
    await assert.rejects(read(good.subarray(0, length)), { name: "Malformed" });
    const without = Buffer.concat([good.subarray(0, length), good.subarray(length + 1)]);
    // Without a byte of another member the directory is one off.
    await assert.rejects(read(without), { name: "Malformed" });
  }
});

test("prefers the folder that is called as the wheel is, and then the top", async () => {
  const members = [
    { name: "vendor/METADATA", data: OTHER },
    { name: "bar-2.dist-info/METADATA", data: OTHER },
    own,
  ];
  assert.equal((await read(zipArchive(members))).metadata.version, "1.0");
  const nested = [
    { name: "a/b/METADATA", data: OTHER },
    { name: "METADATA", data: "nothing of that kind" },
    { name: "xx/METADATA", data: METADATA },
    { name: "a/METADATA.txt", data: OTHER },
  ];
  assert.equal((await read(zipArchive(nested))).metadata.version, "1.0");
});

test("reads little of a large wheel, wherever its METADATA is", async () => {
  const large = { name: "foo/data.bin", data: randomBytes(2 * 1024 * 1024), method: 0 };
  for (const files of [
    [own, large, code],
    [code, large, own],
  ]) {
    const source = bufferSource(zipArchive(files));
    let readBytes = 0;
    const read: typeof source.read = async (start, length) => {
      readBytes += length;
      return await source.read(start, length);
    };
    assert.equal((await readDistribution({ ...source, read }, FILENAME)).metadata.name, "foo");
    assert.ok(readBytes < 200 * 1024, `${readBytes}`);
  }
});

test("a bomb ends at the size that it claims", async () => {
  const zeros = Buffer.alloc(300 * 1024 * 1024);
  const bomb = {
    name: PATH,
    data: zeros,
    local: { unpackedBytes: 99 },
    central: { unpackedBytes: 99 },
  };
  await assert.rejects(read(zipArchive([bomb])), { name: "Malformed", message: /does not unpack/ });
});

test("reads eggs, source archives and installers", async () => {
  const egg = zipArchive([
    { name: "PKG-INFO", data: OTHER },
    { name: "EGG-INFO/PKG-INFO", data: METADATA },
  ]);
  assert.equal((await read(egg, "foo-1.0-py2.7.egg")).metadata.version, "1.0");
  await assert.rejects(read(good, "foo-1.0-py2.7.egg"), { message: /no EGG-INFO\/PKG-INFO/ });

  const sdist = zipArchive([
    { name: "foo-1.0/foo.egg-info/PKG-INFO", data: OTHER },
    { name: "foo-1.0/PKG-INFO", data: METADATA },
    { name: "foo-1.0/XPKG-INFO", data: OTHER },
    { name: "foo-1.0/", data: "" },
    { name: "foo-1.0/", data: "" },
  ]);
  assert.deepEqual(Object.keys(await read(sdist, "foo-1.0.zip")), ["metadata"]);
  assert.equal((await read(sdist, "foo-1.0.zip")).metadata.version, "1.0");

  const installer = await read(Buffer.from("MZ"), "foo-bar-1.0.win32-py2.7.exe");
  assert.deepEqual([installer.metadata.name, installer.metadata.version], ["foo-bar", "1.0"]);
  await assert.rejects(read(Buffer.from("MZ"), "foo.exe"), { name: "Malformed" });
  await assert.rejects(read(good, "foo-1.0.rpm"), { message: /^Extension on foo-1.0.rpm is not/ });
});
