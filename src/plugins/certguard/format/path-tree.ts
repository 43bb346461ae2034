import { inflateSync } from "node:zlib";
import { Bits } from "./bits.ts";
import { huffmanCode, readSymbol } from "./huffman.ts";
import { MalformedEntitlement } from "./malformed.ts";
import { type PathNode, pathNode } from "./paths.ts";

/** Bounds of what one certificate may unpack to; a header holds 16 KiB. */
const MAX_INFLATED_BYTES = 512 * 1024;
const MAX_WORDS = 20_000;
const MAX_NODES = 20_000;

/**
 * Reads the entitled paths of a certificate of version 3.
 *
 * The payload is a zlib stream with the words that path segments consist of, separated by NUL, and
 * behind it the number of nodes and a stream of bits. For each node, the root first, that stream
 * has pairs of a word and the node below it, and the empty word, which is the last one of the list,
 * for the end. Words and nodes are Huffman-coded; nothing leads to the root, so it has no code. A
 * node with nothing below it entitles to all that is there; a tree that is only a root names no
 * path, and so entitles to nothing.
 *
 * @throws `MalformedEntitlement` if it is cut off, contradicts itself, or unpacks to too much.
 * @see core-rest §8.9
 */
export function readPathTree(payload: Uint8Array): PathNode {
  const { words, rest } = readWords(payload);
  const bits = new Bits(rest);
  const nodes = Array.from({ length: readCount(bits) }, pathNode);
  const wordCode = huffmanCode(words.length);
  const nodeCode = huffmanCode(nodes.length - 1);
  const [root] = nodes;
  if (root === undefined) throw new MalformedEntitlement("The path tree has no node.");
  for (const node of nodes) {
    for (let word = nextWord(); word !== ""; word = nextWord()) {
      const below = nodes[1 + readSymbol(nodeCode, bits)];
      if (below) node.children.push([word, below]);
    }
    node.isEntitled = node !== root && node.children.length === 0;
  }
  return root;

  function nextWord(): string {
    return words[readSymbol(wordCode, bits)] ?? "";
  }
}

interface Words {
  readonly words: readonly string[];
  /** What follows the compressed part. */
  readonly rest: Uint8Array;
}

function readWords(payload: Uint8Array): Words {
  try {
    const { buffer, engine } = inflateSync(payload, {
      maxOutputLength: MAX_INFLATED_BYTES,
      info: true,
    }) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    const words = buffer.toString("utf8").split("\0", MAX_WORDS + 1);
    if (words.length > MAX_WORDS) throw new MalformedEntitlement("There are too many words.");
    // Without an end that costs a bit a node would go on for ever.
    if (words.at(-1) !== "") throw new MalformedEntitlement("The words do not end with NUL.");
    return { words, rest: payload.subarray(engine.bytesWritten) };
  } catch (error) {
    if (error instanceof MalformedEntitlement) throw error;
    throw new MalformedEntitlement("The words of the paths do not unpack.", { cause: error });
  }
}

/** A byte below 128, or the number of bytes in its lower seven bits and then those, highest first. */
function readCount(bits: Bits): number {
  const first = bits.byte();
  if (first < 128) return first;
  let count = 0;
  for (let left = first & 127; left > 0; left -= 1) {
    count = count * 256 + bits.byte();
    if (count > MAX_NODES) throw new MalformedEntitlement("The path tree has too many nodes.");
  }
  return count;
}
