import { JsonList } from "#base/json-list.ts";
import { HtmlLinks } from "./html-links.ts";
import { htmlFile, htmlProject } from "./html-page.ts";
import type { IndexFile, ListedProject, ProjectPage } from "./index-file.ts";
import { isEntry, jsonFile, jsonProject, lastSerialOf, statusOf } from "./json-page.ts";
import { Malformed } from "./malformed.ts";
import { decoded, type PageSource } from "./page-text.ts";
import { addressesOf, NO_FACTS } from "./project-facts.ts";

/** What an upstream index is asked for (PEP 691): JSON before HTML. */
export const SIMPLE_ACCEPT =
  "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/**
 * Reads the page of a project in whichever form it came. Entries that name no file are left out.
 *
 * @throws `Malformed`
 * @see PEP 503, 592, 629, 658, 691, 700, 708, 714, 740, 792.
 */
export async function readProjectPage(source: PageSource): Promise<ProjectPage> {
  const files: IndexFile[] = [];
  const take = (file: IndexFile | undefined) => void (file && files.push(file));
  const head = await readPage(source, {
    list: "files",
    item: (item) => take(jsonFile(item, source.url)),
    link: (link, base) => take(htmlFile(link, base)),
  });
  return { ...head, files };
}

/**
 * Reads the list of all projects as it comes.
 *
 * @throws `Malformed`
 */
export async function* readProjectList(
  source: PageSource,
): AsyncGenerator<readonly ListedProject[]> {
  let projects: ListedProject[] = [];
  const take = (project: ListedProject | undefined) => void (project && projects.push(project));
  const pieces = pagePieces(source, {
    list: "projects",
    item: (item) => take(jsonProject(item)),
    link: (link, base) => take(htmlProject(link, base)),
  });
  for await (const _head of pieces) {
    if (projects.length > 0) yield projects;
    projects = [];
  }
}

interface PageReader {
  /** Key of the list in JSON. */
  readonly list: string;
  item(item: unknown): void;
  link(link: Parameters<typeof htmlFile>[0], base: string): void;
}

type PageHead = Omit<ProjectPage, "files">;

async function readPage(source: PageSource, reader: PageReader): Promise<PageHead> {
  let last: PageHead | undefined;
  for await (const head of pagePieces(source, reader)) last = head ?? last;
  return last ?? { name: null, lastSerial: null, facts: NO_FACTS };
}

/** Feeds the page to its parser; yields after every piece, and the head after the last one. */
async function* pagePieces(
  source: PageSource,
  reader: PageReader,
): AsyncGenerator<PageHead | undefined> {
  let parser: PageParser | undefined;
  for await (const text of decoded(source)) {
    parser ??= isJson(source.contentType, text)
      ? jsonParser(reader)
      : htmlParser(source.url, reader);
    parser.push(text);
    yield undefined;
  }
  if (!parser) throw new Malformed("the page is empty");
  yield parser.end();
}

interface PageParser {
  push(text: string): void;
  end(): PageHead;
}

function jsonParser({ list, item }: PageReader): PageParser {
  const json = new JsonList({
    list,
    keep: ["meta", "name", "project-status", "alternate-locations"],
    malformed: (problem) => new Malformed(problem),
    onItem: item,
  });
  return {
    push: (text) => json.push(text),
    end() {
      json.end();
      const [name, meta] = [json.values.get("name"), json.values.get("meta")];
      return {
        name: typeof name === "string" ? name : null,
        lastSerial: lastSerialOf(meta),
        facts: {
          status: statusOf(json.values.get("project-status")),
          tracks: addressesOf(isEntry(meta) ? meta.tracks : undefined),
          alternateLocations: addressesOf(json.values.get("alternate-locations")),
        },
      };
    },
  };
}

function htmlParser(url: string, reader: PageReader): PageParser {
  const html = new HtmlLinks(url, (link) => reader.link(link, html.base));
  return {
    push: (text) => html.push(text),
    end() {
      html.end();
      return { name: null, lastSerial: null, facts: html.facts };
    },
  };
}

/** By its header; without a useful one by its first character. */
function isJson(contentType: string | undefined, text: string): boolean {
  const type = contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type === "application/json" || type.endsWith("+json")) return true;
  if (type === "text/html" || type.endsWith("+html")) return false;
  return text.trimStart().startsWith("{");
}
