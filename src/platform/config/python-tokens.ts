/** A token of the literal subset of Python. */
export interface Token {
  readonly kind: "name" | "number" | "string" | "operator" | "newline" | "end";
  /** Names, operators and numbers as written; of a string only its quotes. */
  readonly text: string;
  /** Value of a string; of an f-string with `{name}` still inside. */
  readonly value?: string;
  readonly isFormatted?: boolean;
  readonly line: number;
}

/** What is not in the subset, by line. */
export class PythonError extends Error {
  readonly line: number;

  constructor(line: number, what: string) {
    super(what);
    this.line = line;
  }
}

const SPACE = /[ \t\f]+|\\\r?\n|#[^\n]*/y;
const NEWLINE = /\r?\n/y;
const NUMBER =
  /0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(\d[\d_]*)?\.?\d[\d_]*\.?([eE][+-]?\d+)?/y;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const STRING_START = /([rRbBuUfF]{0,2})('''|"""|'|")/y;
const OPERATOR = /\*\*|\/\/|[-+*/%=()[\]{}:,.;@<>!|&^~]/y;

/** Splits Python text; line breaks inside brackets are left out, as Python does. */
export function tokenize(source: string): readonly Token[] {
  return new Tokenizer(source).run();
}

class Tokenizer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  #depth = 0;

  constructor(source: string) {
    this.#source = source.replace(/^\uFEFF/, "");
  }

  run(): readonly Token[] {
    while (this.#at < this.#source.length) this.#next();
    this.#add("newline", "");
    this.#add("end", "");
    return this.#tokens;
  }

  #next(): void {
    if (this.#take(SPACE) || this.#break()) return;
    const start = this.#take(STRING_START);
    if (start) this.#string(start[1] ?? "", start[2] ?? "");
    else if (!this.#word("name", NAME) && !this.#word("number", NUMBER)) this.#operator();
  }

  #break(): boolean {
    const found = this.#take(NEWLINE);
    if (found && this.#depth === 0) this.#add("newline", "", this.#line - 1);
    return found !== undefined;
  }

  #word(kind: "name" | "number", pattern: RegExp): boolean {
    const found = this.#take(pattern);
    if (found) this.#add(kind, found[0]);
    return found !== undefined;
  }

  #operator(): void {
    const [operator] = this.#take(OPERATOR) ?? [];
    if (!operator) throw new PythonError(this.#line, `the character '${this.#source[this.#at]}'`);
    if ("([{".includes(operator)) this.#depth += 1;
    if (")]}".includes(operator)) this.#depth -= 1;
    this.#add("operator", operator);
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source);
    if (!match || match[0] === "") return undefined;
    this.#at += match[0].length;
    this.#line += match[0].split("\n").length - 1;
    return match;
  }

  #add(kind: Token["kind"], text: string, line = this.#line): void {
    this.#tokens.push({ kind, text, line });
  }

  #string(prefix: string, quote: string): void {
    const line = this.#line;
    const flags = prefix.toLowerCase();
    if (flags.includes("b")) throw new PythonError(line, "a bytes literal");
    const start = this.#at;
    const end = this.#closing(quote, line);
    const raw = this.#source.slice(start, end);
    this.#at = end + quote.length;
    this.#line += raw.split("\n").length - 1;
    const value = flags.includes("r") ? raw : unescaped(raw, line);
    const isFormatted = flags.includes("f");
    this.#tokens.push({ kind: "string", text: `${quote}…${quote}`, value, isFormatted, line });
  }

  /** Index of the closing quote. */
  #closing(quote: string, line: number): number {
    for (let at = this.#at; at < this.#source.length; at += 1) {
      if (this.#source[at] === "\\") at += 1;
      else if (this.#source.startsWith(quote, at)) return at;
      else if (this.#source[at] === "\n" && quote.length === 1) break;
    }
    throw new PythonError(line, "a string without its closing quote");
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const ESCAPE =
  /\\(\r?\n|x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{1,3}|N\{[^}]*\}|[\s\S])/g;

function unescaped(raw: string, line: number): string {
  return raw.replace(ESCAPE, (whole, code: string) => {
    if (code.startsWith("N{")) throw new PythonError(line, "a \\N{…} escape");
    if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8));
    return ESCAPES[code.replace("\r", "")] ?? whole;
  });
}
