import { grantRoles } from "../access/commands.ts";
import type { Caller, Ctx, Executor } from "../ctx.ts";
import { runCreationHooks } from "../policies/commands.ts";

/** What a dispatcher holds on the task besides the roles of the policy (core-rest §7.2). */
const DISPATCHER = "core.task_user_dispatcher";

/** Superusers need no role to see their tasks, and most tasks are theirs: they cost nothing here. */
export async function giveToDispatcher(
  ctx: Ctx,
  db: Executor,
  { caller, id }: { readonly caller: Caller; readonly id: string },
): Promise<void> {
  const { user, domain } = caller;
  if (!user || user.isSuperuser) return;
  const object = { model: "core.task", id, domain: domain.num };
  await grantRoles(db, { object, roles: [DISPATCHER], creators: [user.id] });
  await runCreationHooks(ctx, db, { caller, viewset: "tasks", object });
}
