import type { Ctx } from "#sdk";
import { callerOrganisation } from "../identity/claims.ts";
import type { Question } from "./permission.ts";
import { hasDomain, tenantOf } from "./tenants.ts";

/**
 * Reads of Python indexes, rows 3 to 3e of service §5.2: open unless a content guard stands before
 * them, and then for tenants and for those whom the guard permits. An index that is not there has
 * been answered with 404 before anybody is asked.
 */
export function indexDecider(ctx: Ctx): (question: Question) => Promise<boolean> {
  return async ({ caller, rights, visit }) => {
    if (!visit) return false;
    if (!visit.refusal) return true;
    const who = `user=${caller.user?.username ?? "-"}`;
    const organisation = `org_id=${callerOrganisation(caller) ?? "-"}`;
    const tenant = tenantOf(caller, rights);
    if (caller.user !== null && (await hasDomain(ctx, caller.domain.num, tenant))) {
      ctx.log.info(`${INDEX} GRANTED via DomainOrg: ${who} ${organisation}`);
      return true;
    }
    const reason = await visit.refusal().catch((error: unknown) => failure(ctx, error));
    if (reason !== undefined) {
      ctx.log.info(`${INDEX} DENIED via content guard: ${organisation} ${who} reason=${reason}`);
      return false;
    }
    ctx.log.info(`${INDEX} GRANTED via content guard: ${organisation} ${who}`);
    return true;
  };
}

const INDEX = "Content-guarded PyPI access";

/** A guard that cannot be asked refuses. */
function failure(ctx: Ctx, error: unknown): string {
  ctx.log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return "the guard cannot be asked";
}
