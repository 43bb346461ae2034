import { configure } from "../configure.ts";
import { appErrors } from "../errors.ts";
import { enabledPlugins } from "../plugins.ts";
import { type Command, print } from "./command.ts";

/** A rule for an ingress, in the words of the operator of the peer. */
interface IngressRoute {
  readonly name: string;
  readonly path: string;
  readonly targetPort: string;
  readonly serviceName: string;
  /** What the path becomes on the way. */
  readonly rewrite?: string;
}

export const routePathsCommand: Command = {
  name: "route_paths",
  usage: "NAME",
  summary:
    "Prints as JSON what an ingress has to send to the API besides API_ROOT, for a deployment of that name.",
  words: 1,
  async run({ rest: [name] }) {
    if (!name) throw appErrors.usage("Give the name of the deployment.");
    print(JSON.stringify(ingressRoutes(name)));
    return 0;
  },
};

function ingressRoutes(name: string): readonly IngressRoute[] {
  const { settings } = configure();
  const values: Readonly<Record<string, unknown>> = { ...settings };
  return enabledPlugins(settings.ENABLED_PLUGINS).flatMap(({ label, sites = [], ingress }) => {
    const prefixes = sites.map(({ prefix }) => String(values[prefix.setting] ?? prefix.default));
    const paths = [...prefixes, ...(ingress?.({ settings }) ?? [])].map(slashed);
    return [...new Set(paths)].map((path) => ({
      name: `${name}-${label}${path.replaceAll(/[^\w]+/g, "-").replace(/-$/, "")}`,
      path,
      targetPort: "api-24817",
      serviceName: `${name}-api-svc`,
    }));
  });
}

const slashed = (path: string): string => `/${path}/`.replaceAll(/\/{2,}/g, "/");
