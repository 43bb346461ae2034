import type { Ctx } from "../ctx.ts";

type Listener = () => void;

/** Keyed by what all contexts of a process share. */
const listeners = new WeakMap<Ctx["hot"], Set<Listener>>();

/** Calls back after a change to any user in this process; other processes learn of it by expiry. */
export function onUserChange({ hot }: Pick<Ctx, "hot">, listener: Listener): void {
  const known = listeners.get(hot) ?? new Set();
  listeners.set(hot, known.add(listener));
}

export function announceUserChange({ hot }: Pick<Ctx, "hot">): void {
  for (const listener of listeners.get(hot) ?? []) listener();
}
