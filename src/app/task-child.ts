import { serveChild } from "#worker/serve-child.ts";
import { compose } from "./composition.ts";
import { configure } from "./configure.ts";
import { enabledPlugins } from "./plugins.ts";
import { openRuntime } from "./runtime.ts";

/** A process that a worker starts to run its tasks in; it sees the settings of the worker. */
export async function taskChild(): Promise<number> {
  const configuration = configure();
  const { plugins } = compose(enabledPlugins(configuration.settings.ENABLED_PLUGINS));
  await using runtime = await openRuntime(configuration, { plugins, role: "task", isChild: true });
  await serveChild(runtime.createCtx("worker"));
  return 0;
}
