import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { entitledPaths } from "#plugins/certguard/format/entitlement.ts";
import {
  extensionsOf,
  octets,
  pathLength,
  utf8Text,
} from "#plugins/certguard/format/extensions.ts";
import { MalformedEntitlement } from "#plugins/certguard/format/malformed.ts";
import { readPathTree } from "#plugins/certguard/format/path-tree.ts";
import { isEntitled, treeOfPaths } from "#plugins/certguard/format/paths.ts";
import { createIdentity, type Extension, octetString, utf8 } from "../../support/certificates.ts";
import {
  packedEntitlement,
  packNodes,
  packPaths,
  writtenEntitlement,
} from "./support/entitlement.ts";

const segment = fc.constantFrom("a", "b", "c", "content", "dist", "x86_64", "$basearch", "$r");
const path = fc.array(segment, { minLength: 1, maxLength: 5 }).map((names) => names.join("/"));

/** What the rules say, path by path. */
const isBelow = (asked: string, entitled: string): boolean => {
  const wanted = entitled.split("/");
  const names = asked.split("/");
  return (
    names.length >= wanted.length &&
    wanted.every((name, at) => name.startsWith("$") || name === names[at])
  );
};

test("a path is entitled by itself and everything above it, with variables for one segment", () => {
  fc.assert(
    fc.property(fc.array(path, { maxLength: 8 }), path, (paths, asked) => {
      const wanted = paths.some((entitled) => isBelow(asked, entitled));
      assert.equal(isEntitled(treeOfPaths(paths), asked), wanted);
    }),
  );
});

test("a packed tree entitles to what its paths say", () => {
  fc.assert(
    fc.property(fc.array(path, { minLength: 1, maxLength: 12 }), path, (paths, asked) => {
      // Nothing is below an entitled path in a tree whose leaves are what is entitled.
      const leaves = paths.filter((one) => !paths.some((other) => other.startsWith(`${one}/`)));
      const tree = readPathTree(packPaths(leaves));

      assert.equal(
        isEntitled(tree, asked),
        leaves.some((entitled) => isBelow(asked, entitled)),
      );
    }),
  );
});

test("hundreds of nodes have their count in more bytes", () => {
  for (const count of [100, 126, 127, 200, 300, 1000]) {
    const paths = Array.from({ length: count }, (_, n) => `content/p${n}`);
    const tree = readPathTree(packPaths(paths));
    assert.ok(paths.every((each) => isEntitled(tree, `${each}/f`)));
    assert.equal(isEntitled(tree, `content/p${count}/f`), false);
    assert.equal(isEntitled(tree, "content"), false);
  }
});

test("paths share what is below them", () => {
  const nodes = [
    new Map([
      ["rhel", 1],
      ["centos", 1],
    ]),
    new Map([["$basearch", 2]]),
    new Map<string, number>(),
  ];
  const tree = readPathTree(packNodes(["rhel", "centos", "$basearch", ""], nodes));
  for (const asked of ["rhel/x86_64", "centos/s390x/Packages/a.rpm"])
    assert.ok(isEntitled(tree, asked), asked);
  for (const asked of ["rhel", "x86_64", "fedora/x86_64"])
    assert.equal(isEntitled(tree, asked), false, asked);
});

const malformed = (payload: Buffer) =>
  assert.throws(() => readPathTree(payload), MalformedEntitlement);

test("a payload that unpacks to too much, leads nowhere or is cut off is refused", () => {
  const whole = packPaths(["content/dist/$releasever/os", "content/beta"]);
  for (let length = 0; length < whole.length; length += 1) malformed(whole.subarray(0, length));
  malformed(Buffer.concat([deflateSync(Buffer.alloc(1024 * 1024, 97)), Buffer.from([1, 0])]));
  malformed(Buffer.concat([deflateSync("\0".repeat(30_000)), Buffer.from([1, 0])]));
  malformed(Buffer.concat([deflateSync("a"), Buffer.from([2, 0])]));
  const words = deflateSync("a\0");
  malformed(Buffer.concat([words, Buffer.from([0])]));
  malformed(Buffer.concat([words, Buffer.from([1, 0b0100_0000])]));
  malformed(Buffer.concat([words, Buffer.from([0xff, ...Array(127).fill(0xff)])]));
});

test("a tree without paths entitles to nothing, and one that leads back to itself ends", () => {
  const none = readPathTree(packPaths([]));
  assert.equal(isEntitled(none, "a"), false);
  assert.equal(isEntitled(none, ""), false);
  const loop = readPathTree(packNodes(["a", ""], [new Map([["a", 1]]), new Map([["a", 1]])]));
  assert.equal(isEntitled(loop, Array(2000).fill("a").join("/")), false);
});

test("whatever the bytes are, they are read or refused", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  const words = fc.array(fc.constantFrom("a", "b", "$c", ""), { maxLength: 8 });
  fc.assert(
    fc.property(bytes, words, fc.boolean(), (noise, names, isPacked) => {
      const payload = isPacked ? Buffer.concat([deflateSync(names.join("\0")), noise]) : noise;
      try {
        isEntitled(readPathTree(payload), "a/b/c");
      } catch (error) {
        assert.ok(error instanceof MalformedEntitlement, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test("whatever an extension holds, it is read or left", () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(...[0x30, 0x80, 0x0c, 0x04, 0x24, 0x02, 0x1f, 0xa3, 0xff, 0]),
      fc.nat(255),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(pieces, (bytes) => {
      const der = Uint8Array.from(bytes);
      for (const read of [utf8Text, octets, pathLength]) assert.doesNotThrow(() => read(der));
    }),
    { numRuns: 20_000 },
  );
});

const pathsOf = (extensions: readonly Extension[]) => {
  const { cert } = createIdentity("client", { extensions });
  return entitledPaths(extensionsOf(new X509Certificate(cert)) ?? new Map());
};

test("paths are read from certificates of version 1 and 3", () => {
  const paths = ["/content/dist/$releasever", "/content//beta/"];
  const outer = writtenEntitlement(["/a", "/a/b"]);
  for (const extensions of [writtenEntitlement(paths), packedEntitlement(paths)]) {
    const tree = pathsOf(extensions);
    assert.ok(isEntitled(tree, "content/dist/9/os") && isEntitled(tree, "content/beta"));
    assert.equal(isEntitled(tree, "content/dist"), false);
  }
  assert.ok(isEntitled(pathsOf(outer), "a/c"), "a longer path takes nothing from a shorter one");
  assert.equal(isEntitled(pathsOf([]), "a"), false);
  assert.equal(
    isEntitled(pathsOf([{ oid: "1.3.6.1.4.1.2312.9.6", value: utf8("3.0") }]), "a"),
    false,
  );
});

test("versions and payloads that are unknown are refused", () => {
  const version = (value: Buffer) => ({ oid: "1.3.6.1.4.1.2312.9.6", value });
  const payload = (value: Buffer) => ({ oid: "1.3.6.1.4.1.2312.9.7", value });
  for (const extensions of [
    [version(utf8("2.0"))],
    [version(utf8("three"))],
    [version(octetString(Buffer.from("3.0")))],
    [version(Buffer.from("junk"))],
    [version(utf8("3.0")), payload(utf8("text"))],
    [{ oid: "1.3.6.1.4.1.2312.9.2.1.1.6", value: octetString(Buffer.from("/a")) }],
  ])
    assert.throws(() => pathsOf(extensions), MalformedEntitlement);
});
