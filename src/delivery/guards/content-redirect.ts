import { REDIRECT_GUARD } from "#core/guards/models.ts";
import { redirectKey, signatureProblem } from "#core/guards/rules.ts";
import type { GuardHandler } from "../contract.ts";
import { DENIED } from "../permit.ts";

/** Permits addresses that this service has signed for the guard, while they last. */
export const contentRedirectGuard: GuardHandler = {
  type: REDIRECT_GUARD.type,
  async refusal({ settings, clock, log }, { id }, { url }) {
    const key = redirectKey(settings.SECRET_KEY, id);
    if (key === undefined) {
      log.warn("SECRET_KEY is not set, so content redirect guards refuse everything");
      return DENIED;
    }
    return signatureProblem(url, { key, nowS: Math.floor(clock.now() / 1000) });
  },
};
