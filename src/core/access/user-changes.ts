import { randomUUID } from "node:crypto";
import type { Ctx } from "../ctx.ts";

/**
 * Told of a change to who is there and who may do what: users, groups, members, roles, assignments
 * and tokens.
 *
 * @param subject the user's id, or minus the group's; undefined may be anybody.
 */
type Listener = (subject: number | undefined) => void;
type Told = Pick<Ctx, "hot" | "notifier">;

interface Circle {
  /** Tells our own announcements, which come back, from those of others. */
  readonly id: string;
  readonly listeners: Set<Listener>;
}

/** Keyed by what all contexts of a process share. */
const circles = new WeakMap<Ctx["hot"], Circle>();

function circleOf({ hot }: Pick<Ctx, "hot">): Circle {
  const known = circles.get(hot);
  if (known) return known;
  const circle = { id: randomUUID(), listeners: new Set<Listener>() };
  circles.set(hot, circle);
  return circle;
}

/**
 * Calls back after a change in any process: in this one at once, of the others as soon as their
 * notification comes. That may be lost with a connection, so whoever keeps something looks again
 * within five seconds.
 */
export function onUserChange(ctx: Told, listener: Listener): void {
  const { id, listeners } = circleOf(ctx);
  const isFirst = listeners.size === 0;
  listeners.add(listener);
  if (!isFirst) return;
  const onPayload = (payload: string): void => {
    const [from, subject = ""] = payload.split(" ");
    if (from !== id) tell(ctx, /^-?\d+$/.test(subject) ? Number(subject) : undefined);
  };
  // As long as the process listens at all.
  ctx.notifier.listen("deckle_access", onPayload, new AbortController().signal);
}

/** Call it when the change is committed; `subject` as for a listener. */
export function announceUserChange(ctx: Told, subject?: number): void {
  tell(ctx, subject);
  ctx.notifier.notify("deckle_access", `${circleOf(ctx).id} ${subject ?? ""}`);
}

function tell(ctx: Pick<Ctx, "hot">, subject: number | undefined): void {
  for (const listener of circleOf(ctx).listeners) listener(subject);
}
