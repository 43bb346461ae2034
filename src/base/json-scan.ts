/** What is wrong with a JSON text that a parser would not mind. */
export type JsonProblem =
  | { readonly kind: "depth" }
  | { readonly kind: "key"; readonly key: string };

/**
 * Finds nesting deeper than `maxDepth` and keys that an object has twice, in one pass. A text that
 * is no JSON may pass: the parser judges it.
 */
export function scanJson(text: string, maxDepth: number): JsonProblem | undefined {
  const nesting = new Nesting(maxDepth);
  let problem: JsonProblem | undefined;
  for (let at = 0; at < text.length && !problem; at += 1) {
    const character = text[at] ?? "";
    if (character === '"') {
      const end = stringEnd(text, at);
      problem = isBeforeColon(text, end) ? nesting.key(text.slice(at, end)) : undefined;
      at = end - 1;
    } else if ("{}[]".includes(character)) {
      problem = nesting.bracket(character);
    }
  }
  return problem;
}

class Nesting {
  readonly #maxDepth: number;
  /** Keys seen so far of each open object; null stands for an open list. */
  readonly #open: (Set<string> | null)[] = [];

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
  }

  bracket(character: string): JsonProblem | undefined {
    if (character === "}" || character === "]") {
      this.#open.pop();
      return undefined;
    }
    this.#open.push(character === "{" ? new Set() : null);
    return this.#open.length > this.#maxDepth ? { kind: "depth" } : undefined;
  }

  key(literal: string): JsonProblem | undefined {
    const keys = this.#open.at(-1);
    const key = unquoted(literal);
    if (!keys || key === undefined) return undefined;
    if (keys.has(key)) return { kind: "key", key };
    keys.add(key);
    return undefined;
  }
}

/** Offset behind the closing quote, or the end of the text. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function isBeforeColon(text: string, start: number): boolean {
  let at = start;
  while (at < text.length && " \t\r\n".includes(text[at] ?? "")) at += 1;
  return text[at] === ":";
}

/** `"\u0061"` and `"a"` are one key. */
function unquoted(literal: string): string | undefined {
  if (!literal.includes("\\")) return literal.slice(1, -1);
  try {
    return JSON.parse(literal) as string;
  } catch {
    return undefined;
  }
}
