import type { Ctx, Trx } from "../ctx.ts";
import type { CoreEvent, EventListener } from "./types.ts";

/** What hears of events, by what all contexts of a process share. */
const listeners = new WeakMap<Ctx["hot"], readonly EventListener[]>();

/** Events of transactions that are not committed yet. */
const held = new WeakMap<Trx, CoreEvent[]>();

function listenersOf(ctx: Ctx): readonly EventListener[] {
  const known = listeners.get(ctx.hot);
  if (known) return known;
  const opened = ctx.plugins.all.flatMap(({ listen }) => (listen ? [listen(ctx)] : []));
  listeners.set(ctx.hot, opened);
  return opened;
}

/**
 * Lets plugins hear of an event; what goes wrong there is logged and changes nothing for whoever
 * reports (service §12.4).
 *
 * @param trx they hear of it after its commit, by `inTransaction`, and never if it is undone.
 */
export function report(ctx: Ctx, event: CoreEvent, trx?: Trx): void {
  const events = trx && held.get(trx);
  if (events) events.push(event);
  else if (trx) held.set(trx, [event]);
  else tell(ctx, event);
}

/** Lets listeners keep what was reported inside a transaction that is about to be committed. */
export async function keepReported(ctx: Ctx, trx: Trx): Promise<void> {
  const events = held.get(trx);
  if (!events) return;
  for (const listener of listenersOf(ctx)) await listener.keepWithin?.(trx, events);
}

/** Begins what listeners do by themselves, in a process that serves or supervises. */
export function openListeners(ctx: Ctx): void {
  listenersOf(ctx);
}

/** Tells what was reported inside a transaction that is committed now. */
export function tellReported(ctx: Ctx, trx: Trx | undefined): void {
  const events = trx && held.get(trx);
  if (!events) return;
  held.delete(trx);
  for (const event of events) tell(ctx, event);
}

function tell(ctx: Ctx, event: CoreEvent): void {
  for (const listener of listenersOf(ctx)) {
    try {
      listener.hear(event);
    } catch (error) {
      ctx.log.unhandled(error, { place: "event" });
    }
  }
}

/** Ends what listeners do later. */
export async function closeListeners({ hot, log }: Pick<Ctx, "hot" | "log">): Promise<void> {
  const opened = listeners.get(hot) ?? [];
  listeners.delete(hot);
  const closed = await Promise.allSettled(opened.map((listener) => listener.close?.()));
  for (const end of closed) {
    if (end.status === "rejected") log.unhandled(end.reason, { place: "event" });
  }
}
