/**
 * Writes `docs/reference/endpoints.md`: every operation of the API, by tag.
 *
 *   node tools/generate-endpoints-docs.ts [--check]
 */
import { compose } from "#app/composition.ts";
import { enabledPlugins } from "#app/plugins.ts";
import { coreSettings } from "#platform/config/settings.ts";
import { describeApi } from "#rest/kit/openapi/document.ts";
import { keepFile } from "./keep-file.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly responses: Readonly<Record<string, unknown>>;
}

const HEAD = `# Endpoints

Generated from the values that route; do not edit. Paths are those without domains; with domains the
name of the domain stands between \`/pulp/\` and \`api/v3/\`. The whole description, with parameters
and schemas, is at \`/pulp/api/v3/docs/\` of a running server and in
[\`openapi/deckle.json\`](../../openapi/deckle.json).
`;

const { api, plugins } = compose(enabledPlugins(coreSettings.ENABLED_PLUGINS.default));
const document = describeApi(api, {
  isForBindings: false,
  isKeyed: true,
  root: "/pulp/",
  domainEnabled: false,
  server: "/",
  securitySchemes: {},
  versions: Object.fromEntries(plugins.map(({ label, version }) => [label, version])),
});

const rows = new Map<string, string[]>();
const paths = document.paths as Readonly<Record<string, Readonly<Record<string, Operation>>>>;
for (const [path, item] of Object.entries(paths)) {
  for (const [method, { operationId, summary, tags, responses }] of Object.entries(item)) {
    const answers = Object.keys(responses).filter((code) => /^[23]\d\d$|^409$/.test(code));
    const row = `| \`${method.toUpperCase()} ${path}\` | \`${operationId}\` | ${summary} | ${answers.join(", ")} |`;
    const tag = tags[0] ?? "";
    rows.set(tag, [...(rows.get(tag) ?? []), row]);
  }
}
const sections = [...rows]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(
    ([tag, lines]) =>
      `## ${tag}\n\n| request | operation | what | answers |\n|---|---|---|---|\n${lines.join("\n")}\n`,
  );
await keepFile("docs/reference/endpoints.md", `${HEAD}\n${sections.join("\n")}`);
