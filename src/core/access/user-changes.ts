import type { Ctx } from "../ctx.ts";

/**
 * Told of a change to who is there and who may do what: users, groups, members, roles, assignments
 * and tokens.
 *
 * @param subject the user's id, or minus the group's; undefined may be anybody.
 */
type Listener = (subject: number | undefined) => void;
type Told = Pick<Ctx, "hot" | "notifier">;

/** Keyed by what all contexts of a process share. */
const listeners = new WeakMap<Ctx["hot"], Set<Listener>>();

/**
 * Calls back after a change in any process: in this one at once, of the others as soon as their
 * notification comes. That may be lost with a connection, so whoever keeps something looks again
 * within five seconds.
 */
export function onUserChange(ctx: Told, listener: Listener): void {
  const known = listeners.get(ctx.hot);
  if (known) {
    known.add(listener);
    return;
  }
  listeners.set(ctx.hot, new Set([listener]));
  const onPayload = (payload: string) =>
    tell(ctx, /^-?\d+$/.test(payload) ? Number(payload) : undefined);
  // As long as the process listens at all.
  ctx.notifier.listen("deckle_access", onPayload, new AbortController().signal);
}

/** Call it when the change is committed; `subject` as for a listener. */
export function announceUserChange(ctx: Told, subject?: number): void {
  tell(ctx, subject);
  ctx.notifier.notify("deckle_access", subject === undefined ? "" : String(subject));
}

function tell({ hot }: Pick<Ctx, "hot">, subject: number | undefined): void {
  for (const listener of listeners.get(hot) ?? []) listener(subject);
}
