import { isMeasured } from "#core/measures/queries.ts";
import { forwardedMetrics } from "#platform/metrics/forwarded.ts";
import { serveChild, tell } from "#worker/serve-child.ts";
import { compose } from "./composition.ts";
import { configure } from "./configure.ts";
import { enabledPlugins } from "./plugins.ts";
import { openRuntime } from "./runtime.ts";

/** A process that a worker starts to run its tasks in; it sees the settings of the worker. */
export async function taskChild(): Promise<number> {
  const configuration = configure();
  const { plugins } = compose(enabledPlugins(configuration.settings.ENABLED_PLUGINS));
  const metrics = isMeasured(configuration.settings)
    ? forwardedMetrics((measurements) => tell({ kind: "measured", measurements }))
    : undefined;
  const child = { isChild: true, ...(metrics ? { metrics } : {}) };
  await using runtime = await openRuntime(configuration, { plugins, role: "task", ...child });
  await serveChild(runtime.createCtx("worker"), metrics?.flush);
  return 0;
}
