import { deflateSync } from "node:zlib";
import { type Extension, octetString, utf8 } from "../../../support/certificates.ts";

const ARC = "1.3.6.1.4.1.2312.9";

/** Extensions of an entitlement of version 1: a path each. */
export const writtenEntitlement = (paths: readonly string[]): readonly Extension[] => [
  { oid: `${ARC}.4.1`, value: utf8("an order") },
  ...paths.map((path, at) => ({ oid: `${ARC}.2.${7000 + at}.1.6`, value: utf8(path) })),
];

/** Extensions of an entitlement of version 3. */
export const packedEntitlement = (
  paths: readonly string[],
  version = "3.4",
): readonly Extension[] => [
  { oid: `${ARC}.6`, value: utf8(version) },
  { oid: `${ARC}.7`, value: octetString(packPaths(paths)) },
];

/** A node of the path tree: word → the number of the node below it. */
type Node = Map<string, number>;

/** The payload of version 3, written independently of the reader: lists are searched as a whole. */
export function packPaths(paths: readonly string[]): Buffer {
  const nodes = treeOf(paths);
  const words = [...new Set(nodes.flatMap((node) => [...node.keys()]))];
  return packNodes([...words, ""], nodes);
}

export function packNodes(words: readonly string[], nodes: readonly Node[]): Buffer {
  const wordCodes = codesOf(words);
  const nodeCodes = codesOf(nodes.slice(1).map((_, at) => at + 1));
  const bits = nodes
    .map((node) =>
      [...node].map(([word, below]) => `${wordCodes.get(word)}${nodeCodes.get(below)}`),
    )
    .map((pairs) => `${pairs.join("")}${wordCodes.get("")}`)
    .join("");
  const bytes = (bits.match(/.{1,8}/g) ?? []).map((byte) =>
    Number.parseInt(byte.padEnd(8, "0"), 2),
  );
  return Buffer.concat([deflateSync(words.join("\0")), countOf(nodes.length), Buffer.from(bytes)]);
}

function treeOf(paths: readonly string[]): readonly Node[] {
  const nodes: Node[] = [new Map()];
  for (const path of paths) {
    let here = 0;
    for (const word of path.split("/").filter(Boolean)) {
      const node = nodes[here];
      const below = node?.get(word) ?? nodes.push(new Map()) - 1;
      node?.set(word, below);
      here = below;
    }
  }
  return nodes;
}

function countOf(count: number): Buffer {
  if (count < 128) return Buffer.from([count]);
  const bytes = count < 256 ? [count] : [count >> 8, count & 255];
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

interface Branch<Symbol> {
  readonly weight: number;
  readonly codes: readonly (readonly [Symbol, string])[];
}

function codesOf<Symbol>(symbols: readonly Symbol[]): ReadonlyMap<Symbol, string> {
  const branches = symbols.map(
    (symbol, at): Branch<Symbol> => ({ weight: at + 1, codes: [[symbol, ""]] }),
  );
  const lightest = (): Branch<Symbol> => {
    const weights = branches.map(({ weight }) => weight);
    const [found] = branches.splice(weights.indexOf(Math.min(...weights)), 1);
    return found as Branch<Symbol>;
  };
  const under = (bit: string, { codes }: Branch<Symbol>) =>
    codes.map(([symbol, code]) => [symbol, bit + code] as const);
  while (branches.length > 1) {
    const [zero, one] = [lightest(), lightest()];
    const codes = [...under("0", zero), ...under("1", one)];
    branches.push({ weight: zero.weight + one.weight, codes });
  }
  return new Map(branches[0]?.codes);
}
