import { registryAuth } from "../registry-auth/registry-auth.ts";
import { registryDoor } from "./door.ts";
import { RegistryMemory } from "./memory.ts";
import { noUpstream } from "./registry.ts";
import { registrySettingsOf } from "./settings.ts";
import { UploadSessions } from "./uploads/sessions.ts";

/** The registry of this plugin, with everything that it works with. */
export const registry = registryDoor((tools) => {
  const { ctx } = tools;
  const settings = registrySettingsOf(ctx);
  return {
    ...{ ctx, tools, settings, upstream: noUpstream, access: registryAuth(tools) },
    memory: new RegistryMemory(tools, settings.REGISTRY_CACHE_BYTES),
    sessions: new UploadSessions(ctx),
  };
});
