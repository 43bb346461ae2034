/** Characters of one item, or of one value beside the list, unless said otherwise. */
const MOST_CHARACTERS = 4 * 1024 * 1024;
const MOST_DEPTH = 64;

export interface JsonListOptions {
  /** Key of the outer object whose list is read item by item. */
  readonly list: string;
  /** Further keys whose values are kept. */
  readonly keep: readonly string[];
  readonly onItem: (item: unknown) => void;
  /** The error that a broken text is; it is thrown. */
  readonly malformed: (problem: string) => Error;
  readonly mostCharacters?: number;
}

/**
 * Reads a JSON object of which one value is a long list, without ever holding the list: every item
 * is parsed when its end has come. Values of other keys are passed over and not judged.
 */
export class JsonList {
  readonly #options: JsonListOptions;
  /** Values of the kept keys that came so far. */
  readonly values = new Map<string, unknown>();
  /** Text that is not done with; a value that is captured begins at `#start`. */
  #text = "";
  #start = 0;
  #at = 0;
  #depth = 0;
  #inString = false;
  #inList = false;
  /** Undefined between the values of the outer object. */
  #key: string | undefined;
  #isDone = false;

  constructor(options: JsonListOptions) {
    this.#options = options;
  }

  /** @throws what `malformed` makes */
  push(text: string): void {
    this.#text += text;
    while (this.#inString ? this.#skipString() : this.#structure());
    this.#forget();
  }

  /** @throws what `malformed` makes if the object has not ended. */
  end(): void {
    if (!this.#isDone) throw this.#options.malformed("the JSON text ends too early");
    if (this.#text.trim() !== "")
      throw this.#options.malformed("something follows the JSON object");
  }

  /** @returns false when more text is needed. */
  #skipString(): boolean {
    QUOTE.lastIndex = this.#at;
    const found = QUOTE.exec(this.#text);
    this.#at = found ? found.index : this.#text.length;
    // A backslash at the very end waits for what it escapes.
    if (!found || found[0] === "\\") return false;
    this.#at += found[0].length;
    this.#inString = found[0] !== '"';
    return true;
  }

  #structure(): boolean {
    STRUCTURE.lastIndex = this.#at;
    const found = STRUCTURE.exec(this.#text);
    if (!found) {
      this.#at = this.#text.length;
      return false;
    }
    this.#at = found.index + 1;
    this.#take(found[0], found.index);
    return true;
  }

  #take(character: string, at: number): void {
    if (this.#isDone) throw this.#options.malformed("something follows the JSON object");
    switch (character) {
      case '"':
        if (this.#depth === 0) throw this.#options.malformed("the page is no JSON object");
        this.#inString = true;
        return;
      case "{":
      case "[":
        this.#open(character, at);
        return;
      case "}":
      case "]":
        this.#close(character, at);
        return;
      case ":":
        if (this.#depth === 1) this.#named(at);
        return;
      default:
        this.#separated(at);
    }
  }

  #open(bracket: string, at: number): void {
    this.#depth += 1;
    if (this.#depth > MOST_DEPTH)
      throw this.#options.malformed("the JSON text is nested too deeply");
    if (this.#depth === 1) {
      if (bracket !== "{" || this.#text.slice(this.#start, at).trim() !== "")
        throw this.#options.malformed("the page is no JSON object");
      this.#start = at + 1;
    }
    if (this.#depth === 2 && bracket === "[" && this.#key === this.#options.list) {
      this.#inList = true;
      this.#start = at + 1;
    }
  }

  #close(bracket: string, at: number): void {
    if (this.#depth === 0) throw this.#options.malformed("the page is no JSON object");
    if (this.#depth === 2 && this.#inList) {
      this.#item(at);
      this.#inList = false;
      this.#key = undefined;
    } else if (this.#depth === 1) {
      if (bracket !== "}")
        throw this.#options.malformed("the brackets of the JSON text do not agree");
      this.#value(at);
      this.#isDone = true;
    }
    this.#depth -= 1;
    if (this.#depth <= 1 && this.#key === undefined) this.#start = at + 1;
  }

  #separated(at: number): void {
    if (this.#depth === 0) throw this.#options.malformed("the page is no JSON object");
    if (this.#depth === 1) this.#value(at);
    else if (this.#depth === 2 && this.#inList) this.#item(at);
    else return;
    this.#start = at + 1;
  }

  #named(at: number): void {
    const key = this.#parsed(this.#text.slice(this.#start, at));
    if (typeof key !== "string" || this.#key !== undefined)
      throw this.#options.malformed("a key of the JSON object is no string");
    this.#key = key;
    this.#start = at + 1;
  }

  #value(at: number): void {
    const key = this.#key;
    this.#key = undefined;
    if (key === undefined || !this.#options.keep.includes(key)) return;
    this.values.set(key, this.#parsed(this.#text.slice(this.#start, at)));
  }

  /** The piece between two commas of the list; an empty list has one that is blank. */
  #item(at: number): void {
    const text = this.#text.slice(this.#start, at);
    if (text.trim() !== "") this.#options.onItem(this.#parsed(text));
  }

  #parsed(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      const near = JSON.stringify(text.slice(0, 40));
      throw this.#options.malformed(`the JSON text is broken near ${near}`);
    }
  }

  /** Keeps only the text that is still to be parsed. */
  #forget(): void {
    const isNeeded =
      this.#inList || this.#key === undefined || this.#options.keep.includes(this.#key);
    const done = isNeeded ? this.#start : this.#at;
    this.#text = this.#text.slice(done);
    this.#at -= done;
    this.#start = 0;
    if (this.#text.length > (this.#options.mostCharacters ?? MOST_CHARACTERS))
      throw this.#options.malformed("one value of the JSON text is too long");
  }
}

/** The end of a string, or a character that is escaped in it. */
const QUOTE = /"|\\.?/gs;
const STRUCTURE = /["{}[\],:]/g;
