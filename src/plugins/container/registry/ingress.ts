import type { Ctx } from "#sdk";
import { hasFlatpakIndex } from "../flatpak/settings.ts";
import { mounted } from "./address.ts";
import { registrySettingsOf } from "./settings.ts";

/** Where the doors of the plugin are: the registry, signatures, tokens, and the index for `flatpak`. */
export function registryIngress(ctx: Pick<Ctx, "settings">): readonly string[] {
  const below = ["v2/", "extensions/v2/", "token/", ...(hasFlatpakIndex(ctx) ? ["index/"] : [])];
  const { REGISTRY_MOUNT_PREFIXES: prefixes } = registrySettingsOf(ctx);
  return below.flatMap((path) => mounted(prefixes, path));
}
