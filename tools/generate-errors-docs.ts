/**
 * Writes `docs/reference/errors.md` from the tables of errors.
 *
 *   node tools/generate-errors-docs.ts [--check]
 */
import { globSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { definedErrors, type ErrorSpec } from "#base/errors.ts";
import { keepFile } from "./keep-file.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
// Importing a table defines its errors; the folder order makes the page stable.
const files = globSync("src/**/*errors.ts", { cwd: root }).sort();
for (const file of files) await import(pathToFileURL(`${root}${file}`).href);

/** Stands for a parameter of any type: text, number, list or map. */
const placeholder: unknown = new Proxy(() => placeholder, {
  get: (_target, name) => PLACES[name] ?? placeholder,
});
const PLACES: Readonly<Record<string | symbol, unknown>> = {
  [Symbol.toPrimitive]: () => "…",
  [Symbol.iterator]: () => [placeholder].values(),
  toString: () => "…",
  join: () => "…",
};

const all = [...definedErrors()].sort((a, b) => (a.code < b.code ? -1 : a.code > b.code ? 1 : 0));
const isNumbered = ({ code }: ErrorSpec): boolean => /^PLP\d{4}$/.test(code);

const text = `# Errors

Generated from the error tables in \`src/\`; \`npm run docs\` writes it anew. Codes and texts are a
contract: never renumbered, never reused. \`…\` stands for what the error is about.

## Codes of the peer

They stand in brackets before the text, in answers and in the \`error\` of a task.

${table(all.filter(isNumbered))}

## Our own

${table(all.filter((spec) => !isNumbered(spec)))}
`;

await keepFile("docs/reference/errors.md", text);

function table(specs: readonly ErrorSpec[]): string {
  const rows = specs.map((spec) => `| \`${spec.code}\` | ${spec.status} | ${cell(sample(spec))} |`);
  return ["| Code | HTTP status | Text |", "|---|---|---|", ...rows].join("\n");
}

/** The text with a placeholder for each parameter. */
function sample({ message }: ErrorSpec): string {
  return message(...Array.from({ length: Math.max(message.length, 4) }, () => placeholder));
}

/** A text inside a cell of a Markdown table. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
