import { Parser } from "htmlparser2";

/** A link of a page of an index. */
export interface SimpleLink {
  readonly href: string;
  readonly text: string;
  /** `sha256=…`, or `true`; undefined without the attribute. */
  readonly coreMetadata?: string;
}

/** Links of a page of the simple API in HTML (PEP 503, PEP 714). */
export function simpleLinks(html: string): readonly SimpleLink[] {
  const links: SimpleLink[] = [];
  let open: { href: string; text: string; coreMetadata?: string } | undefined;
  const parser = new Parser({
    onopentag(name, { href, "data-core-metadata": metadata }) {
      if (name !== "a" || href === undefined) return;
      open = { href, text: "", ...(metadata === undefined ? {} : { coreMetadata: metadata }) };
    },
    ontext(text) {
      if (open) open.text += text;
    },
    onclosetag(name) {
      if (name === "a" && open) links.push({ ...open, text: open.text.trim() });
      if (name === "a") open = undefined;
    },
  });
  parser.end(html);
  return links;
}
