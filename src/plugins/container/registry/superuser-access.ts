import type { RegistryAccess } from "./access.ts";
import { registryErrors } from "./errors.ts";
import type { DoorTools } from "./visit.ts";

const CHALLENGE = 'Basic realm="api"';

/** Whoever the configured classes recognise as a superuser may do everything, nobody else anything. */
export const superuserAccess = (tools: DoorTools): RegistryAccess => ({
  async authorise({ exchange }) {
    const found = await tools.identify(exchange.request);
    if (!found) throw registryErrors.unauthorized(CHALLENGE);
    if (!found.user.isSuperuser) throw registryErrors.denied();
    return { user: found.user, by: found.by, mayPull: () => true };
  },
  created: async () => undefined,
});
