import { CacheUpstream } from "../pull/cache-upstream.ts";
import { registryAuth } from "../registry-auth/registry-auth.ts";
import { registryDoor } from "./door.ts";
import { RegistryMemory } from "./memory.ts";
import { PullTimes } from "./pull-times.ts";
import { PushMemory } from "./push-memory.ts";
import type { Registry } from "./registry.ts";
import { registrySettingsOf } from "./settings.ts";
import { TagNames } from "./tag-names.ts";
import { UploadSessions } from "./uploads/sessions.ts";
import type { DoorTools } from "./visit.ts";

const opened = new WeakMap<DoorTools, Registry>();

/** The registry of this plugin, with everything that it works with: one for all doors of a server. */
export function openRegistry(tools: DoorTools): Registry {
  const known = opened.get(tools);
  if (known) return known;
  const { ctx } = tools;
  const settings = registrySettingsOf(ctx);
  const namesBytes = Math.floor(settings.REGISTRY_CACHE_BYTES / 4);
  const memory = new RegistryMemory(tools, settings.REGISTRY_CACHE_BYTES - namesBytes);
  const made: Registry = {
    ...{ ctx, tools, settings, memory, access: registryAuth(tools) },
    pushMemory: new PushMemory(),
    tagNames: new TagNames(ctx, namesBytes),
    upstream: new CacheUpstream(ctx, memory),
    sessions: new UploadSessions(ctx),
    pulls: new PullTimes(ctx, settings.REGISTRY_PULL_TIMES_INTERVAL),
  };
  opened.set(tools, made);
  return made;
}

export const registry = registryDoor(openRegistry);
