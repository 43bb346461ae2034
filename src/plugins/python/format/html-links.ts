import { Parser } from "htmlparser2";
import { refuseVersion } from "./json-page.ts";
import { Malformed } from "./malformed.ts";
import { addressesOf, type ProjectFacts } from "./project-facts.ts";

/** Characters of one link's text that are kept. */
const MOST_TEXT = 4096;
/** A tag longer than this is not one of an index. */
const MOST_PENDING = 4 * 1024 * 1024;
/** Names of `meta` elements (PEP 708, 792). */
export const STATUS = "pypi:project-status";
export const TRACKS = "pypi:tracks";
export const ALTERNATES = "pypi:alternate-locations";
const FACTS: ReadonlySet<string> = new Set([STATUS, TRACKS, ALTERNATES]);
const MOST_VALUES = 100;

export interface HtmlLink {
  /** Lower-case names, values as they mean. */
  readonly attributes: Readonly<Record<string, string>>;
  /** What stands between the tags, without space at both ends. */
  readonly text: string;
}

/** Reads the links of an HTML page piece by piece, forgiving what browsers forgive. */
export class HtmlLinks {
  readonly #onLink: (link: HtmlLink) => void;
  readonly #parser: Parser;
  /** Address that relative links begin at: that of the page, or of its `<base>`. */
  base: string;
  /** Values of the page's `meta` elements, by name. */
  readonly #meta = new Map<string, string[]>();
  #attributes: Readonly<Record<string, string>> | undefined;
  #text = "";
  #pushed = 0;

  constructor(url: string, onLink: (link: HtmlLink) => void) {
    this.base = url;
    this.#onLink = onLink;
    this.#parser = new Parser(
      {
        onopentag: (name, attributes) => this.#opened(name, attributes),
        ontext: (text) => {
          if (this.#attributes && this.#text.length < MOST_TEXT) this.#text += text;
        },
        onclosetag: (name) => {
          if (name === "a") this.#finish();
        },
      },
      { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true },
    );
  }

  /** What the page says of its project. */
  get facts(): ProjectFacts {
    return {
      status: this.#meta.get(STATUS)?.at(-1) ?? null,
      tracks: addressesOf(this.#meta.get(TRACKS)),
      alternateLocations: addressesOf(this.#meta.get(ALTERNATES)),
    };
  }

  /** @throws `Malformed` */
  push(text: string): void {
    this.#parser.write(text);
    this.#pushed += text.length;
    if (this.#pushed - this.#parser.endIndex > MOST_PENDING)
      throw new Malformed("one tag of the HTML page is too long");
  }

  end(): void {
    this.#parser.end();
    this.#finish();
  }

  #opened(name: string, attributes: Readonly<Record<string, string>>): void {
    if (name === "a") {
      this.#finish();
      this.#attributes = attributes;
    } else if (name === "base" && attributes.href !== undefined) {
      const { href } = attributes;
      if (URL.canParse(href, this.base)) this.base = new URL(href, this.base).href;
    } else if (name === "meta") {
      if (attributes.name === "pypi:repository-version") refuseVersion(attributes.content);
      this.#note(attributes);
    }
  }

  #note({ name = "", content }: Readonly<Record<string, string>>): void {
    if (!FACTS.has(name) || content === undefined) return;
    const values = this.#meta.get(name) ?? [];
    if (values.length < MOST_VALUES) this.#meta.set(name, [...values, content]);
  }

  #finish(): void {
    const attributes = this.#attributes;
    this.#attributes = undefined;
    if (attributes) this.#onLink({ attributes, text: this.#text.trim() });
    this.#text = "";
  }
}
