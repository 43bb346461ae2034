import { prn } from "#base/prn.ts";
import { BasicLogIn } from "#core/access/basic-log-in.ts";
import { userRights } from "#core/access/queries.ts";
import { scopeAllows } from "#core/access/token-scope.ts";
import type { Ctx, User } from "#core/ctx.ts";
import { RBAC_GUARD } from "#core/guards/models.ts";
import type { GuardHandler, GuardRef, GuardRequest } from "../contract.ts";

const PERMISSION = "core.download_rbaccontentguard";
/** The same for a wrong password and a missing right, and never a challenge (core-content §6). */
const REFUSED = "Authentication credentials were not provided.";

/** Permits users with the right to download from it; each request asks the database for the right. */
export const rbacGuard: GuardHandler = {
  type: RBAC_GUARD.type,
  async refusal(ctx, guard, request) {
    const { authorization } = request.headers;
    if (!authorization) return REFUSED;
    const visitor = { guard, request, header: authorization };
    const state = await stateOf(ctx, visitor);
    // Another process has changed the password since it was verified here.
    const last = state === "outdated" ? await stateOf(ctx, visitor) : state;
    return last === "permitted" ? undefined : REFUSED;
  },
};

/** Log-ins by what all contexts of a process share, so that each process hashes a password once. */
const logIns = new WeakMap<Ctx["hot"], BasicLogIn>();

function logInOf(ctx: Ctx): BasicLogIn {
  const known = logIns.get(ctx.hot) ?? new BasicLogIn(ctx);
  logIns.set(ctx.hot, known);
  return known;
}

interface Visitor {
  readonly guard: GuardRef;
  readonly request: GuardRequest;
  readonly header: string;
}

async function stateOf(
  ctx: Ctx,
  { guard, request, header }: Visitor,
): Promise<"permitted" | "refused" | "outdated"> {
  const basic = logInOf(ctx);
  const found = await basic.logIn(header, request.address);
  if (found?.kind !== "user") return "refused";
  if (!isInScope(found.user, { guard, request })) return "refused";
  const rights = await userRights(ctx, found.user.id, {
    permission: PERMISSION,
    object: { model: RBAC_GUARD.model.toLowerCase(), id: guard.id, domain: request.domain.num },
  });
  if (rights?.password !== found.passwordHash) {
    basic.forget();
    return "outdated";
  }
  return rights.has_permission ? "permitted" : "refused";
}

const isInScope = ({ scope }: User, { guard, request }: Omit<Visitor, "header">): boolean =>
  scopeAllows(scope, {
    isRead: true,
    permission: PERMISSION,
    domain: request.domain.name,
    objects: [prn(RBAC_GUARD.model, guard.id)],
  });
