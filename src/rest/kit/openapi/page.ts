import type { Node } from "./schemas.ts";

const escapeHtml = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");

const json = (value: unknown): Node =>
  typeof value === "object" && value !== null ? (value as Node) : {};

/** The description as one page to read, without scripts and without anything from elsewhere. */
export function renderPage(document: Node): string {
  const tags = new Map<string, string[]>();
  for (const [path, item] of Object.entries(json(document.paths))) {
    for (const [method, operation] of Object.entries(json(item))) {
      const node = json(operation);
      const [tag = ""] = (node.tags ?? []) as string[];
      tags.set(tag, [...(tags.get(tag) ?? []), operationHtml(path, method, node)]);
    }
  }
  const sections = [...tags].sort(([a], [b]) => (a < b ? -1 : 1));
  const body = sections
    .map(([tag, parts]) => `<h2>${escapeHtml(tag)}</h2>${parts.join("")}`)
    .join("\n");
  const schemas = Object.entries(json(json(document.components).schemas)).map(
    ([name, schema]) =>
      `<details id="${escapeHtml(name)}"><summary>${escapeHtml(name)}</summary>${fieldsTable(json(schema))}</details>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Deckle: the REST API</title>${STYLE}
<h1>The REST API</h1><p>The same as data: <a href="api.json">api.json</a>, <a href="api.yaml">api.yaml</a>.</p>
${body}<h2>Schemas</h2>${schemas.join("\n")}</html>`;
}

const STYLE = `<style>body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}
summary{cursor:pointer;padding:.15em 0}code{font-family:ui-monospace,monospace}
.m{display:inline-block;min-width:4.5em;font-weight:700;text-transform:uppercase}
table{border-collapse:collapse;margin:.5em 0 1em 2em}td,th{padding:.1em 1em .1em 0;text-align:left;vertical-align:top}</style>`;

function operationHtml(path: string, method: string, operation: Node): string {
  const parameters = ((operation.parameters ?? []) as Node[]).map(
    (one) =>
      `<tr><td><code>${escapeHtml(String(one.name))}</code><td>${escapeHtml(String(one.in))}<td>${typeHtml(json(one.schema))}<td>${escapeHtml(String(one.description ?? ""))}`,
  );
  const bodies = Object.values(json(json(operation.requestBody).content));
  const body = bodies.length > 0 ? `<p>Body: ${typeHtml(json(json(bodies[0]).schema))}` : "";
  const answers = Object.entries(json(operation.responses)).map(([code, answer]) => {
    const [content] = Object.values(json(json(answer).content));
    return `<li>${escapeHtml(code)} ${content ? typeHtml(json(json(content).schema)) : ""}`;
  });
  return `<details id="${escapeHtml(String(operation.operationId))}"><summary><span class="m">${escapeHtml(method)}</span> <code>${escapeHtml(path)}</code> ${escapeHtml(String(operation.summary ?? ""))}</summary>
<table>${parameters.join("")}</table>${body}<ul>${answers.join("")}</ul></details>`;
}

function fieldsTable(schema: Node): string {
  const required = new Set((schema.required ?? []) as string[]);
  const rows = Object.entries(json(schema.properties)).map(
    ([name, value]) =>
      `<tr><td><code>${escapeHtml(name)}</code>${required.has(name) ? " *" : ""}<td>${typeHtml(json(value))}<td>${escapeHtml(String(json(value).description ?? ""))}`,
  );
  return `<table>${rows.join("")}</table>`;
}

function typeHtml(schema: Node): string {
  if (typeof schema.$ref === "string") {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
    return `<a href="#${escapeHtml(name)}">${escapeHtml(name)}</a>`;
  }
  if (Array.isArray(schema.allOf))
    return schema.allOf.map((part) => typeHtml(json(part))).join(" ");
  const items = schema.items ? ` of ${typeHtml(json(schema.items))}` : "";
  const format = schema.format ? ` (${escapeHtml(String(schema.format))})` : "";
  const values = Array.isArray(schema.enum) ? `: ${escapeHtml(schema.enum.join(", "))}` : "";
  return `${escapeHtml(String(schema.type ?? "any"))}${format}${values}${items}${schema.nullable ? " or null" : ""}`;
}
