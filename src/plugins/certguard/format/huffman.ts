import type { Bits } from "./bits.ts";
import { MalformedEntitlement } from "./malformed.ts";

/** A leaf, by the index of its symbol, or the pair that the next bit chooses from. */
export type Code = number | readonly [zero: Code, one: Code];

interface Weighed {
  readonly code: Code;
  readonly weight: number;
}

/**
 * The Huffman code of symbols whose weights are 1, 2, 3, … in their order. The two lightest are
 * joined, the lighter one under bit 0; of equal weights the one that was there first is lighter.
 *
 * @param count of symbols; a single symbol has a code of no bits, none has no code.
 */
export function huffmanCode(count: number): Code | undefined {
  // Pairs come into being in the order of their weights, so the lightest is always a first one.
  const leaves = Array.from({ length: count }, (_, index) => ({ code: index, weight: index + 1 }));
  const pairs: Weighed[] = [];
  let leaf = 0;
  let pair = 0;
  const lightest = (): Weighed | undefined => {
    const one = leaves[leaf];
    const other = pairs[pair];
    const isLeaf = one !== undefined && (other === undefined || one.weight <= other.weight);
    if (isLeaf) leaf += 1;
    else pair += 1;
    return isLeaf ? one : other;
  };
  for (let joined = 1; joined < count; joined += 1) {
    const [zero, one] = [lightest(), lightest()];
    if (!zero || !one) break;
    pairs.push({ code: [zero.code, one.code], weight: zero.weight + one.weight });
  }
  return lightest()?.code;
}

/** Reads one symbol; returns its index. */
export function readSymbol(code: Code | undefined, bits: Bits): number {
  if (code === undefined) throw new MalformedEntitlement("The path tree names a node too many.");
  let here = code;
  while (typeof here !== "number") here = here[bits.next()];
  return here;
}
