import type { HtmlLink } from "./html-links.ts";
import {
  digestsOf,
  fileUrl,
  type IndexFile,
  isFilename,
  type ListedProject,
  lastPart,
} from "./index-file.ts";
import { provenanceUrl } from "./json-page.ts";

/** The file that a link of a project page means (PEP 503, 592, 658, 714); undefined for others. */
export function htmlFile({ attributes }: HtmlLink, base: string): IndexFile | undefined {
  const url = fileUrl(attributes.href ?? "", base);
  if (attributes.href === undefined || !url) return undefined;
  const filename = lastPart(url);
  if (filename === undefined || !isFilename(filename)) return undefined;
  const hashes = digestsOf(new URLSearchParams(url.hash.slice(1)));
  url.hash = "";
  return {
    filename,
    url: url.href,
    hashes,
    requiresPython: attributes["data-requires-python"] ?? null,
    coreMetadata: metadataOf(
      attributes["data-core-metadata"] ?? attributes["data-dist-info-metadata"],
    ),
    yanked: attributes["data-yanked"] ?? null,
    size: null,
    uploadTime: null,
    provenance: provenanceUrl(attributes["data-provenance"], base),
  };
}

/** The project that a link of the root list means: its text, or else the end of its address. */
export function htmlProject(
  { attributes, text }: HtmlLink,
  base: string,
): ListedProject | undefined {
  const url = fileUrl(attributes.href ?? "", base);
  if (attributes.href === undefined || !url) return undefined;
  url.pathname = url.pathname.replace(/\/$/, "");
  const name = text === "" ? lastPart(url) : text.replace(/\/$/, "");
  return name === undefined || name === "" ? undefined : { name, lastSerial: null };
}

function metadataOf(value: string | undefined): IndexFile["coreMetadata"] {
  if (value === undefined || value === "false") return false;
  const [algorithm = "", hex] = value.split("=");
  const { sha256 } = digestsOf([[algorithm, hex]]);
  return sha256 === undefined ? true : { sha256 };
}
