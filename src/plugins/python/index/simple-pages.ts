import { ALTERNATES, STATUS, TRACKS } from "../format/html-links.ts";
import { normalizeName } from "../format/names.ts";
import { NO_FACTS, type ProjectFacts } from "../format/project-facts.ts";
import { sortVersions } from "../format/version.ts";
import { provenanceUrl } from "./addresses.ts";
import { escaped } from "./markup.ts";
import type { Project, ProjectFile } from "./members.ts";
import { type Listing, noteLines, type PageNotes } from "./shown.ts";
import { isoMicroseconds } from "./times.ts";

/** A constant: clients only compare it (plugin-python §6.3). */
export const LAST_SERIAL = 1_000_000_000;

const META = { "api-version": "1.1", "_last-serial": LAST_SERIAL } as const;

/** Where the files of an index lie, and the index itself; both with a slash at the end. */
export interface Urls {
  readonly content: string;
  readonly index: string;
}

/** @param facts what is known of the project. */
const head = (title: string, facts: ProjectFacts = NO_FACTS): string => `<!DOCTYPE html>
<html>
<head>
<title>${escaped(title)}</title>
<meta name="pypi:repository-version" content="1.1">
${metaOf(facts)}</head>
<body>
`;

/** @see PEP 708, 792 */
const metaOf = ({ status, tracks, alternateLocations }: ProjectFacts): string =>
  [
    ...(status === null ? [] : [[STATUS, status]]),
    ...tracks.map((address) => [TRACKS, address]),
    ...alternateLocations.map((address) => [ALTERNATES, address]),
  ]
    .map(([name = "", content = ""]) => `<meta name="${name}" content="${escaped(content)}">\n`)
    .join("");

const END = "</body>\n</html>\n";

/** The list of projects, a piece at a time. @see PEP 503, PEP 691 */
export interface ListForm {
  readonly start: string;
  /** @param isFirst no project came before these. */
  part(projects: readonly Project[], isFirst: boolean): string;
  readonly end: string;
}

export const htmlList: ListForm = {
  start: head("Simple Index"),
  part: (projects) =>
    projects
      .map(
        ({ name, name_normalized: normalized }) =>
          `<a href="${escaped(encodeURIComponent(normalized))}/">${escaped(name)}</a><br/>\n`,
      )
      .join(""),
  end: END,
};

export const jsonList: ListForm = {
  start: `{"meta":${JSON.stringify(META)},"projects":[`,
  part: (projects, isFirst) =>
    projects
      .map(
        ({ name }, index) =>
          `${isFirst && index === 0 ? "" : ","}{"name":${JSON.stringify(name)},"_last-serial":${LAST_SERIAL}}`,
      )
      .join(""),
  end: "]}",
};

/** The files of a project. @see PEP 503, 592, 658, 708, 714, 740, 792 */
export const projectHtml = (name: string, { files, notes }: Listing, urls: Urls): string => {
  const title = `Links for ${normalizeName(name)}`;
  const links = files.map((file) => fileLink(file, urls)).join("");
  const comments = noteLines(notes).map((line) => `<!-- ${commentText(line)} -->\n`);
  const start = head(title, notes.facts);
  return `${start}<h1>${escaped(title)}</h1>\n${comments.join("")}${links}${END}`;
};

/** A comment ends where two hyphens stand before `>`. */
const commentText = (line: string): string => escaped(line).replaceAll(/-(?=-)/g, "- ");

function fileLink(file: ProjectFile, urls: Urls): string {
  const { digest, isThere } = metadataOf(file);
  const metadata = digest === null ? (isThere ? "true" : null) : `sha256=${digest}`;
  const fragment = file.sha256 === null ? "" : `#sha256=${file.sha256}`;
  const attributes = [
    ["href", `${fileUrl(file, urls)}${fragment}`],
    ["rel", "internal"],
    ["data-requires-python", file.requires_python || null],
    ["data-yanked", file.yanked_reason],
    ["data-dist-info-metadata", metadata],
    ["data-core-metadata", metadata],
    ["data-provenance", provenanceOf(file, urls)],
  ] as const;
  const text = attributes.flatMap(([key, value]) =>
    value === null ? [] : [` ${key}="${escaped(value)}"`],
  );
  return `<a${text.join("")}>${escaped(file.filename)}</a><br/>\n`;
}

export const fileUrl = (
  { filename, folder, upstream }: Pick<ProjectFile, "filename" | "folder" | "upstream">,
  { content }: Urls,
): string => upstream?.url ?? (folder ?? content) + encodeURIComponent(filename);

const metadataOf = ({ metadata_sha256: digest, upstream }: ProjectFile) => ({
  digest,
  isThere: digest !== null || (upstream?.hasMetadata ?? false),
});

const provenanceOf = (file: ProjectFile, { index }: Urls): string | null =>
  file.upstream
    ? file.upstream.provenance
    : file.has_provenance
      ? provenanceUrl(index, { ...file, name: normalizeName(file.name) })
      : null;

/** The same as JSON. @see PEP 691, 700, 708, 792 */
export const projectJson = (name: string, { files, notes }: Listing, urls: Urls): string =>
  JSON.stringify({
    meta: metaOfProject(notes),
    ...jsonNotes(notes),
    name,
    versions: sortVersions([...new Set(files.map(({ version }) => version))]),
    files: files.map((file) => fileEntry(file, urls)),
  });

const metaOfProject = ({ facts }: PageNotes) =>
  facts && facts.tracks.length > 0 ? { ...META, tracks: facts.tracks } : META;

/** Keys with an underscore are the index's own (PEP 691). */
export const jsonNotes = ({ withheld, upstream, facts = NO_FACTS }: PageNotes) => ({
  ...(facts.status === null ? {} : { "project-status": { status: facts.status } }),
  ...(facts.alternateLocations.length === 0
    ? {}
    : { "alternate-locations": facts.alternateLocations }),
  ...(upstream === undefined ? {} : { "_no-upstream": upstream }),
  ...(withheld.length === 0 ? {} : { _withheld: withheld }),
});

function fileEntry(file: ProjectFile, urls: Urls) {
  const { digest, isThere } = metadataOf(file);
  const metadata = digest === null ? isThere : { sha256: digest };
  return {
    filename: file.filename,
    url: fileUrl(file, urls),
    hashes: file.sha256 === null ? {} : { sha256: file.sha256 },
    "requires-python": file.requires_python || null,
    size: file.size,
    "upload-time": file.at === null ? null : isoMicroseconds(file.at),
    yanked: yankedOf(file.yanked_reason),
    "core-metadata": metadata,
    "data-dist-info-metadata": metadata,
    provenance: provenanceOf(file, urls),
  };
}

/** The reason, or true where none was given. */
const yankedOf = (reason: string | null): string | boolean =>
  reason === null ? false : reason === "" ? true : reason;
