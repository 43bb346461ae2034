import { PythonError, type Token, tokenize } from "./python-tokens.ts";

/** One assignment of a settings file, in the order of the file. */
export interface Assignment {
  readonly name: string;
  readonly value: unknown;
  readonly line: number;
}

/**
 * Reads the literal subset of a Python settings file: assignments of literals, of names assigned
 * before, of `+` between texts, lists or numbers, and of f-strings over such names.
 *
 * @throws `PythonError` with line and construct for anything else
 */
export function parsePython(source: string): readonly Assignment[] {
  return new Parser(tokenize(source)).file();
}

const CONSTANTS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };
const KEYWORDS =
  /^(import|from|def|class|if|elif|else|for|while|try|with|return|del|assert|raise|lambda|pass|global|async|await|not|in|is|and|or)$/;

class Parser {
  readonly #tokens: readonly Token[];
  readonly #names = new Map<string, unknown>();
  readonly #assignments: Assignment[] = [];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  file(): readonly Assignment[] {
    while (this.#peek().kind !== "end") {
      if (!this.#ends()) this.#statement();
    }
    return this.#assignments;
  }

  #statement(): void {
    const first = this.#peek();
    // A text alone is a docstring.
    if (first.kind === "string") {
      this.#sum();
      this.#end();
      return;
    }
    if (first.kind !== "name" || first.text in CONSTANTS) throw unexpected(first);
    if (KEYWORDS.test(first.text)) throw new PythonError(first.line, `'${first.text}'`);
    const targets = [this.#next()];
    this.#annotation();
    this.#expect("=");
    while (this.#peek().kind === "name" && this.#peek(1).text === "=") {
      targets.push(this.#next());
      this.#next();
    }
    const value = this.#expression();
    this.#end();
    for (const { text, line } of targets) {
      this.#names.set(text, value);
      this.#assignments.push({ name: text, value: structuredClone(value), line });
    }
  }

  /** `NAME: type = value`. */
  #annotation(): void {
    if (this.#peek().text !== ":") return;
    while (this.#peek().text !== "=" && this.#peek().kind !== "newline") this.#next();
  }

  /** A value, or values with commas between, which is a tuple. */
  #expression(): unknown {
    const first = this.#sum();
    if (this.#peek().text !== ",") return first;
    const items = [first];
    while (this.#accept(",")) {
      if (this.#peek().kind === "newline") break;
      items.push(this.#sum());
    }
    return items;
  }

  #sum(): unknown {
    let value = this.#product();
    while (this.#peek().text === "+" || this.#peek().text === "-") {
      const operator = this.#next();
      value = add(value, this.#product(), operator);
    }
    return value;
  }

  #product(): unknown {
    let value = this.#atom();
    while (this.#peek().text === "*") {
      const operator = this.#next();
      const right = this.#atom();
      if (typeof value !== "number" || typeof right !== "number") throw unexpected(operator);
      value *= right;
    }
    return value;
  }

  #atom(): unknown {
    const token = this.#next();
    const value = this.#primary(token);
    const after = this.#peek();
    if (token.kind === "name" && after.text === "(") {
      throw new PythonError(after.line, `the call ${token.text}(…)`);
    }
    if (after.text === "." || after.text === "[" || after.text === "(") throw unexpected(after);
    return value;
  }

  #primary(token: Token): unknown {
    if (token.kind === "string") return this.#strings(token);
    if (token.kind === "number") return Number(token.text.replaceAll("_", ""));
    if (token.kind === "name") return this.#name(token);
    if (token.text === "-" || token.text === "+") return this.#signed(token);
    if (token.text === "[") return this.#items("]");
    if (token.text === "(") return this.#parenthesis();
    if (token.text === "{") return this.#braces();
    throw unexpected(token);
  }

  #signed(sign: Token): number {
    const value = this.#atom();
    if (typeof value !== "number") throw unexpected(sign);
    return sign.text === "-" ? -value : value;
  }

  #name(token: Token): unknown {
    if (Object.hasOwn(CONSTANTS, token.text)) return CONSTANTS[token.text];
    const next = this.#peek().text;
    if (next === "(" || next === ".") {
      const path =
        next === "(" ? `the call ${token.text}(…)` : `'${token.text}.${this.#peek(1).text}'`;
      throw new PythonError(token.line, path);
    }
    if (KEYWORDS.test(token.text)) throw new PythonError(token.line, `'${token.text}'`);
    if (!this.#names.has(token.text)) {
      throw new PythonError(token.line, `the name '${token.text}', which has no value yet,`);
    }
    return structuredClone(this.#names.get(token.text));
  }

  /** Texts beside each other are one text. */
  #strings(first: Token): string {
    let text = this.#string(first);
    while (this.#peek().kind === "string") text += this.#string(this.#next());
    return text;
  }

  #string({ value = "", isFormatted, line }: Token): string {
    if (!isFormatted) return value;
    return value.replace(/\{\{|\}\}|\{([^{}]*)\}/g, (whole, name: string | undefined) => {
      if (name === undefined) return whole.slice(1);
      const found = this.#names.get(name.trim());
      if (typeof found === "string" || typeof found === "number") return String(found);
      throw new PythonError(line, `the f-string part {${name}}`);
    });
  }

  #parenthesis(): unknown {
    if (this.#accept(")")) return [];
    const first = this.#sum();
    if (this.#accept(")")) return first;
    this.#expect(",");
    return [first, ...this.#items(")")];
  }

  #items(closing: string): unknown[] {
    const items: unknown[] = [];
    while (!this.#accept(closing)) {
      items.push(this.#sum());
      if (this.#accept(closing)) break;
      this.#expect(",");
    }
    return items;
  }

  /** A map, or a set, which is read as a list. */
  #braces(): unknown {
    if (this.#accept("}")) return {};
    const first = this.#sum();
    if (this.#peek().text !== ":") {
      if (this.#accept("}")) return [first];
      this.#expect(",");
      return [first, ...this.#items("}")];
    }
    const map: Record<string, unknown> = Object.create(null);
    let name = first;
    for (;;) {
      this.#expect(":");
      map[String(name)] = this.#sum();
      if (!this.#accept(",") || this.#peek().text === "}") break;
      name = this.#sum();
    }
    this.#expect("}");
    return { ...map };
  }

  #peek(ahead = 0): Token {
    const token = this.#tokens[this.#at + ahead] ?? this.#tokens.at(-1);
    if (!token) throw new PythonError(1, "an empty file");
    return token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #accept(text: string): boolean {
    const token = this.#peek();
    const isIt = token.kind === "operator" && token.text === text;
    if (isIt) this.#at += 1;
    return isIt;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) throw unexpected(this.#peek());
  }

  #ends(): boolean {
    const token = this.#peek();
    const isEnd = token.kind === "newline" || token.text === ";";
    if (isEnd) this.#at += 1;
    return isEnd;
  }

  #end(): void {
    if (!this.#ends()) throw unexpected(this.#peek());
  }
}

function add(left: unknown, right: unknown, operator: Token): unknown {
  if (typeof left === "number" && typeof right === "number") {
    return operator.text === "+" ? left + right : left - right;
  }
  if (operator.text === "+") {
    if (typeof left === "string" && typeof right === "string") return left + right;
    if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  }
  throw unexpected(operator);
}

function unexpected(token: Token): PythonError {
  if (token.kind === "newline" || token.kind === "end") {
    return new PythonError(token.line, "the end of the line in the middle of a value");
  }
  return new PythonError(token.line, `'${token.text}'`);
}
