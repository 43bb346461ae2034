import { gzipSync } from "node:zlib";
import { BZIP2_SDIST } from "../../test/support/bzip2-sdist.ts";
import { paxRecord, type TarMember, tarArchive } from "../../test/support/tar-archive.ts";
import { type ZipFile, type ZipOptions, zipArchive } from "../../test/support/zip-archive.ts";

/** A distribution that is read as it is, before anything is changed about it. */
export interface Sample {
  readonly filename: string;
  readonly bytes: Buffer;
  /** Packs the bytes once they are changed. */
  readonly pack?: (bytes: Buffer) => Buffer;
}

const METADATA = `Metadata-Version: 2.4
Name: foo
Version: 1.0
Summary: é
Classifier: A :: B
Requires-Dist: bar>=1;
  python_version<"3"
License-File: LICENSE

# Foo

What foo is.
`;
const BLANKS = Buffer.alloc(2 * 1024 * 1024, " ");

const wheel = (change: Partial<ZipFile> = {}, options: ZipOptions = {}): Sample => ({
  filename: "foo-1.0-py3-none-any.whl",
  bytes: zipArchive(
    [
      { name: "foo/__init__.py", data: "x = 1\n".repeat(40) },
      { name: "foo-1.0.dist-info/METADATA", data: METADATA, ...change },
      { name: "foo-1.0.dist-info/RECORD", data: "foo/__init__.py,,\n", method: 0 },
    ],
    options,
  ),
});

const members: readonly TarMember[] = [
  { name: "foo-1.0/", type: "5" },
  { name: "pax", type: "x", data: paxRecord("path", `foo-1.0/${"é".repeat(80)}.py`) },
  { name: "foo-1.0/x.py", data: "x = 1\n".repeat(90) },
  { name: "././@LongLink", type: "L", data: "foo-1.0/foo.egg-info/PKG-INFO\0" },
  { name: "foo-1.0/foo", data: METADATA },
  { name: "foo-1.0/link", type: "2" },
  { name: "foo-1.0/PKG-INFO", data: METADATA },
];
const tar = tarArchive(members);
const nested = tarArchive(members.slice(0, -1));

/** Kinds of distributions, small, since most changes of a large one change nothing that counts. */
export const CORPUS: readonly Sample[] = [
  wheel(),
  wheel({ method: 0 }, { comment: Buffer.from("a comment") }),
  wheel({ descriptor: true }),
  wheel({}, { isWide: true, prefix: Buffer.from("#!/bin/sh\n") }),
  wheel({ data: Buffer.concat([Buffer.from(METADATA), BLANKS]) }),
  {
    filename: "foo-1.0-py3.9.egg",
    bytes: zipArchive([{ name: "EGG-INFO/PKG-INFO", data: METADATA }]),
  },
  {
    filename: "foo-1.0.zip",
    bytes: zipArchive([
      { name: "foo-1.0/PKG-INFO", data: METADATA },
      { name: "foo-1.0/foo.egg-info/PKG-INFO", data: METADATA },
    ]),
  },
  { filename: "foo-1.0.tar.gz", bytes: tar, pack: (bytes) => gzipSync(bytes, { level: 1 }) },
  { filename: "foo-1.0.tar.gz", bytes: nested, pack: (bytes) => gzipSync(bytes, { level: 1 }) },
  { filename: "foo-1.0.tar.gz", bytes: gzipSync(nested) },
  { filename: "foo-1.0.tar.bz2", bytes: BZIP2_SDIST },
];
