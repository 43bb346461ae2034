/** Pages of a published index (plugin-python §10.1): plain PEP 503, piece by piece. */
import { escaped } from "./index/markup.ts";

const head = (title: string): string =>
  `<!DOCTYPE html>
<html>
<head>
<title>${escaped(title)}</title>
<meta name="pypi:repository-version" content="1.0">
</head>
<body>
`;

export const PAGE_END = "</body>\n</html>\n";

export const rootStart = (): string => head("Simple Index");

/** @param normalized name in the form of PEP 503, which is the folder of the project. */
export const projectLink = (project: { readonly normalized: string; readonly name: string }) =>
  `<a href="${escaped(encodeURIComponent(project.normalized))}/">${escaped(project.name)}</a><br/>\n`;

export const projectStart = (normalized: string): string =>
  `${head(`Links for ${normalized}`)}<h1>Links for ${escaped(normalized)}</h1>\n`;

/** @param sha256 lower-case hex. */
export const fileLink = (file: { readonly filename: string; readonly sha256: string }): string =>
  `<a href="../../${escaped(encodeURIComponent(file.filename))}#sha256=${file.sha256}" rel="internal">` +
  `${escaped(file.filename)}</a><br/>\n`;
