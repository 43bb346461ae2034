import { Malformed } from "./malformed.ts";

/** Deepest parentheses of a marker. */
const MAX_DEPTH = 64;

const VARIABLES = new Set([
  "python_version",
  "python_full_version",
  "os_name",
  "sys_platform",
  "platform_release",
  "platform_system",
  "platform_version",
  "platform_machine",
  "platform_python_implementation",
  "implementation_name",
  "implementation_version",
  "extra",
  "extras",
  "dependency_groups",
  // Spellings from before PEP 508.
  "os.name",
  "sys.platform",
  "platform.version",
  "platform.machine",
  "platform.python_implementation",
  "python_implementation",
]);

const OPERATORS = new Set(["===", "==", "~=", "!=", "<=", ">=", "<", ">"]);

const TOKEN = /[ \t]*(?:('[^']*'|"[^"]*")|(===|==|~=|!=|<=|>=|<|>)|([A-Za-z_][\w.]*)|([()])|(\S))/y;

/**
 * Checks the syntax of a marker: comparisons of variables and quoted texts, with `and`, `or` and
 * parentheses.
 *
 * @throws `Malformed` whose text says what stands where something else should.
 * @see PEP 508, "Environment Markers"
 */
export function checkMarker(marker: string): void {
  const tokens = new Tokens(marker);
  checkAlternatives(tokens, 0);
  if (tokens.next !== undefined) throw tokens.unexpected("'and', 'or' or the end");
}

function checkAlternatives(tokens: Tokens, depth: number): void {
  if (depth > MAX_DEPTH) throw new Malformed("The parentheses of the marker are too deep.");
  do {
    if (tokens.accept("(")) {
      checkAlternatives(tokens, depth + 1);
      if (!tokens.accept(")")) throw tokens.unexpected("')'");
    } else {
      checkComparison(tokens);
    }
  } while (tokens.accept("and") || tokens.accept("or"));
}

function checkComparison(tokens: Tokens): void {
  checkOperand(tokens);
  const isNegated = tokens.accept("not");
  if (!tokens.accept("in")) {
    if (isNegated) throw tokens.unexpected("'in'");
    if (!OPERATORS.has(tokens.next ?? "")) throw tokens.unexpected("an operator");
    tokens.advance();
  }
  checkOperand(tokens);
}

function checkOperand(tokens: Tokens): void {
  const { next = "" } = tokens;
  if (!/^['"]./.test(next) && !VARIABLES.has(next))
    throw tokens.unexpected("a variable or a quoted text");
  tokens.advance();
}

/** The words of a marker, one after the other. */
class Tokens {
  readonly #text: string;
  #at = 0;
  #next: string | undefined;

  constructor(text: string) {
    this.#text = text;
    this.advance();
  }

  /** Undefined at the end. */
  get next(): string | undefined {
    return this.#next;
  }

  advance(): void {
    TOKEN.lastIndex = this.#at;
    const found = TOKEN.exec(this.#text);
    this.#at = found ? TOKEN.lastIndex : this.#text.length;
    this.#next = found?.slice(1).find((each) => each !== undefined);
  }

  accept(word: string): boolean {
    if (this.#next !== word) return false;
    this.advance();
    return true;
  }

  unexpected(expected: string): Malformed {
    const found = this.#next === undefined ? "the end" : `${this.#next}`;
    return new Malformed(`The marker has ${found} where ${expected} should stand.`);
  }
}
