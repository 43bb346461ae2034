import { createHash } from "node:crypto";
import { stringify } from "yaml";
import type { AuthenticationClass } from "../../auth/authentication.ts";
import { securitySchemes } from "../../auth/chain.ts";
import { coreAuthentication } from "../../auth/classes.ts";
import { sendJson } from "../answer.ts";
import { fullPath } from "../api-index.ts";
import type { Call } from "../call.ts";
import { restErrors } from "../rest-errors.ts";
import type { Route } from "../routes.ts";
import { sitePrefix } from "../site.ts";
import { apiBase } from "../view.ts";
import { type DocumentOptions, describeApi } from "./document.ts";
import { renderPage } from "./page.ts";

interface Rendered {
  readonly text: string;
  readonly etag: string;
}

/** At most this many variants stay rendered. */
const MAX_RENDERED = 32;

/** `docs/api.json`, `docs/api.yaml`, `docs/`, `swagger/` and the index of the API (core-rest §4.1). */
export function descriptionRoutes(
  authentication: readonly AuthenticationClass[] = coreAuthentication,
): Route[] {
  const rendered = new Map<string, Rendered>();
  const document = (call: Call, kind: "json" | "yaml"): Rendered => {
    const options = optionsOf(call, authentication);
    const key = `${kind} ${JSON.stringify(options)}`;
    const known = rendered.get(key);
    if (known) return known;
    const node = describeApi(call.view.api, options);
    const text =
      kind === "json" ? JSON.stringify(node) : stringify(node, { aliasDuplicateObjects: false });
    const etag = `"${createHash("sha256").update(text).digest("hex").slice(0, 32)}"`;
    if (rendered.size >= MAX_RENDERED) rendered.clear();
    rendered.set(key, { text, etag });
    return { text, etag };
  };
  const get = (path: string, run: (call: Call) => unknown): Route => ({
    path,
    // Lists lie in domains, and so does what names them.
    scope: path === "" ? "domain" : "both",
    name: path,
    operations: [
      { method: "GET", permission: "get", isPublic: true, run: async (call) => run(call) },
    ],
  });
  return [
    get("docs/api.json", (call) => sendDocument(call, document(call, "json"), "json")),
    get("docs/api.yaml", (call) => sendDocument(call, document(call, "yaml"), "yaml")),
    get("docs/", (call) => sendPage(call, authentication)),
    get("swagger/", (call) => sendPage(call, authentication)),
    get("", (call) => sendJson(call.reply, 200, index(call))),
  ];
}

function optionsOf(
  { query, view, ctx }: Call,
  authentication: readonly AuthenticationClass[],
): DocumentOptions {
  if (query.has("plugin")) throw restErrors.pluginParameter();
  const components = query.get("component")?.split(",");
  const labels = new Set(ctx.plugins.all.map(({ label }) => label));
  if (components?.some((label) => !labels.has(label))) throw restErrors.component();
  return {
    ...(components ? { components: [...components].sort() } : {}),
    isForBindings: query.has("bindings"),
    isKeyed: query.has("pk_path"),
    root: view.root,
    domainEnabled: view.domainEnabled,
    sitePrefixes: Object.fromEntries(
      view.api.parts.sites.map((site) => [site.label, sitePrefix(site, ctx.settings)]),
    ),
    server: `${view.origin}/`,
    securitySchemes: securitySchemes(ctx.settings, authentication),
    versions: Object.fromEntries(ctx.plugins.all.map(({ label, version }) => [label, version])),
  };
}

function sendDocument(call: Call, { text, etag }: Rendered, kind: "json" | "yaml"): unknown {
  const { request, reply } = call;
  reply.header("etag", etag).header("cache-control", "no-cache");
  if (request.headers["if-none-match"]?.includes(etag)) return reply.code(304).send();
  const accept = request.headers.accept ?? "";
  const isPlain = accept.includes(`application/${kind}`);
  const type = isPlain
    ? `application/${kind}`
    : `application/vnd.oai.openapi${kind === "json" ? "+json" : ""}`;
  return reply
    .header("content-type", type)
    .header("content-disposition", `inline; filename="Pulp 3 API.${kind}"`)
    .send(Buffer.from(text));
}

function sendPage(call: Call, authentication: readonly AuthenticationClass[]): unknown {
  const options = { ...optionsOf(call, authentication), isKeyed: true };
  const html = renderPage(describeApi(call.view.api, options));
  return call.reply
    .header("content-type", "text/html; charset=utf-8")
    .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
    .send(html);
}

/** Every top-level list by its path, with its absolute address. */
function index({ view }: Call): Record<string, string> {
  const lists = view.api.parts.resources.filter(
    ({ parent, operations }) => !parent && operations.list,
  );
  const base = `${view.origin}${apiBase(view, view.domain)}`;
  const paths = lists.map(fullPath).sort();
  return Object.fromEntries(paths.map((path) => [path, `${base}${path}/`]));
}
