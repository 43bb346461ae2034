/** The API description of this program as the server answers it, with domains on or off. */
import { compose } from "#app/composition.ts";
import { enabledPlugins } from "#app/plugins.ts";
import { coreSettings } from "#platform/config/settings.ts";
import { describeApi } from "#rest/kit/openapi/document.ts";

export function ownDescription({ domainEnabled }: { readonly domainEnabled: boolean }) {
  const { api, plugins } = compose(enabledPlugins(coreSettings.ENABLED_PLUGINS.default));
  return describeApi(api, {
    isForBindings: false,
    isKeyed: false,
    root: "/pulp/",
    domainEnabled,
    server: "/",
    securitySchemes: {
      basicAuth: { type: "http", scheme: "basic" },
      cookieAuth: { type: "apiKey", in: "cookie", name: "sessionid" },
    },
    versions: Object.fromEntries(plugins.map(({ label, version }) => [label, version])),
  });
}
