import { writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { securitySchemes } from "#rest/auth/chain.ts";
import { describeApi } from "#rest/kit/openapi/document.ts";
import { sitePrefix } from "#rest/kit/site.ts";
import { compose } from "../composition.ts";
import { configure } from "../configure.ts";
import { appErrors } from "../errors.ts";
import { authenticationOf } from "../hooks.ts";
import { enabledPlugins } from "../plugins.ts";
import { type Command, print } from "./command.ts";

export const openapiCommand: Command = {
  name: "openapi",
  usage: "[--component a,b] [--bindings] [--pk-path] [--format openapi|openapi-json] [--file FILE]",
  summary: "Writes the API description; needs neither database nor key.",
  options: {
    component: { type: "string" },
    bindings: { type: "boolean" },
    "pk-path": { type: "boolean" },
    format: { type: "string" },
    file: { type: "string" },
    validate: { type: "boolean" },
    lang: { type: "string" },
    urlconf: { type: "string" },
    "custom-settings": { type: "string" },
  },
  async run({ text, on }) {
    const { settings } = configure();
    const { api, plugins, shipped } = compose(enabledPlugins(settings.ENABLED_PLUGINS));
    const labels = plugins.map(({ label }) => label);
    const components = text.component?.split(",");
    const unknown = components?.find((label) => !labels.includes(label));
    if (unknown !== undefined) throw appErrors.usage(`There is no component '${unknown}'.`);
    const document = describeApi(api, {
      ...(components ? { components: [...components].sort() } : {}),
      isForBindings: on.bindings === true,
      isKeyed: on["pk-path"] === true,
      root: settings.API_ROOT,
      domainEnabled: settings.DOMAIN_ENABLED,
      sitePrefixes: Object.fromEntries(
        api.parts.sites.map((site) => [site.label, sitePrefix(site, settings)]),
      ),
      server: "http://localhost:24817/",
      securitySchemes: securitySchemes(settings, authenticationOf(shipped)),
      versions: Object.fromEntries(plugins.map(({ label, version }) => [label, version])),
    });
    const isJson = isJsonFormat(text.format ?? "openapi");
    const rendered = isJson
      ? JSON.stringify(document, undefined, 2)
      : stringify(document, { aliasDuplicateObjects: false }).trimEnd();
    if (text.file) writeFileSync(text.file, `${rendered}\n`);
    else print(rendered);
    return 0;
  },
};

function isJsonFormat(format: string): boolean {
  if (format === "openapi" || format === "openapi-json") return format === "openapi-json";
  throw appErrors.usage(`--format must be openapi or openapi-json, but is '${format}'.`);
}
