/** A boolean expression over filters (core-rest §3.7). */
export type QNode =
  | { readonly kind: "atom"; readonly name: string; readonly value: string }
  | { readonly kind: "not"; readonly operand: QNode }
  | { readonly kind: "and" | "or"; readonly operands: readonly QNode[] };

export const MAX_COMPLEXITY = 8;

/** The expression breaks the grammar or is too complex; the text goes under `q`. */
export class QProblem extends Error {}

const TOKEN =
  /\s*(?:(\()|(\))|(AND|OR|NOT)(?![\w=])|([A-Za-z]\w*)\s*=\s*(?:'([^']*)'|"([^"]*)"|([\w\u00c0-\u00ff.,*-]+)))/uy;

type Token =
  | { readonly kind: "(" | ")" | "AND" | "OR" | "NOT" }
  | { readonly kind: "atom"; readonly name: string; readonly value: string };

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  let end = 0;
  while (end < text.trimEnd().length) {
    pattern.lastIndex = end;
    const match = pattern.exec(text);
    if (!match) throw new QProblem("Syntax error in expression.");
    end = pattern.lastIndex;
    tokens.push(tokenOf(match));
  }
  return tokens;
}

function tokenOf([, open, close, word, name, single, double, bare]: RegExpExecArray): Token {
  if (open) return { kind: "(" };
  if (close) return { kind: ")" };
  if (word) return { kind: word as "AND" };
  return { kind: "atom", name: name ?? "", value: single ?? double ?? bare ?? "" };
}

/** @throws `QProblem`. */
export function parseQ(text: string): QNode {
  const tokens = tokenize(text);
  // Deeper nesting than this is over the complexity limit whatever it says.
  if (tokens.length > 200) throw new QProblem("Filter expression exceeds allowed complexity.");
  const parser = new Parser(tokens);
  const node = parser.or();
  if (!parser.isAtEnd) throw new QProblem("Syntax error in expression.");
  if (complexity(node) > MAX_COMPLEXITY) {
    throw new QProblem("Filter expression exceeds allowed complexity.");
  }
  return node;
}

/** An atom costs 1, NOT its operand and 1, one AND or OR the sum and 1. */
export function complexity(node: QNode): number {
  if (node.kind === "atom") return 1;
  if (node.kind === "not") return complexity(node.operand) + 1;
  return node.operands.reduce((sum, operand) => sum + complexity(operand), 1);
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#next === this.#tokens.length;
  }

  or(): QNode {
    return this.#chain("OR", () => this.#chain("AND", () => this.#not()));
  }

  #chain(word: "AND" | "OR", operand: () => QNode): QNode {
    const operands = [operand()];
    while (this.#take(word)) operands.push(operand());
    const [only] = operands;
    if (operands.length === 1 && only) return only;
    return { kind: word === "AND" ? "and" : "or", operands };
  }

  #not(): QNode {
    if (this.#take("NOT")) return { kind: "not", operand: this.#primary() };
    return this.#primary();
  }

  #primary(): QNode {
    if (this.#take("(")) {
      const node = this.or();
      if (!this.#take(")")) throw new QProblem("Syntax error in expression.");
      return node;
    }
    const token = this.#tokens[this.#next];
    if (token?.kind !== "atom") throw new QProblem("Syntax error in expression.");
    this.#next += 1;
    return token;
  }

  #take(kind: Token["kind"]): boolean {
    if (this.#tokens[this.#next]?.kind !== kind) return false;
    this.#next += 1;
    return true;
  }
}
