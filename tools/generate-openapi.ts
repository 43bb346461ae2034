/**
 * Writes `openapi/deckle.json`, the API description as the server answers it at `docs/api.json`.
 *
 *   node tools/generate-openapi.ts [--check]
 */
import { compose } from "#app/composition.ts";
import { enabledPlugins } from "#app/plugins.ts";
import { coreSettings } from "#platform/config/settings.ts";
import { describeApi } from "#rest/kit/openapi/document.ts";
import { keepFile } from "./keep-file.ts";

const { api, plugins } = compose(enabledPlugins(coreSettings.ENABLED_PLUGINS.default));
const document = describeApi(api, {
  isForBindings: false,
  isKeyed: false,
  root: "/pulp/",
  domainEnabled: false,
  server: "/",
  securitySchemes: {
    basicAuth: { type: "http", scheme: "basic" },
    cookieAuth: { type: "apiKey", in: "cookie", name: "sessionid" },
  },
  versions: Object.fromEntries(plugins.map(({ label, version }) => [label, version])),
});
await keepFile("openapi/deckle.json", `${JSON.stringify(document, null, 1)}\n`);
