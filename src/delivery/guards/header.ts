import { rawHeaderValues } from "#base/raw-headers.ts";
import { isWantedHeader } from "#core/guards/header-value.ts";
import { HEADER_GUARD } from "#core/guards/models.ts";
import { headerRule } from "#core/guards/queries.ts";

import type { GuardHandler } from "../contract.ts";
import { DENIED } from "../permit.ts";

/** Permits whoever sends one header with the wanted value, in Base64 (core-content §6). */
export const headerGuard: GuardHandler = {
  type: HEADER_GUARD.type,
  async refusal(ctx, { id }, { domain, rawHeaders }) {
    const rule = await headerRule(ctx, { domain: domain.num, id });
    if (rule === undefined) return DENIED;
    const [sent, ...more] = rawHeaderValues(rawHeaders, rule.header_name);
    // What comes twice may be read differently by whoever stands in between.
    if (sent === undefined || more.length > 0) return DENIED;
    return (await isWantedHeader(ctx, sent, rule)) ? undefined : DENIED;
  },
};
