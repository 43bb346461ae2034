import { setTimeout as sleep } from "node:timers/promises";
import type { Ctx, DomainRef } from "#core/ctx.ts";
import { openRemote } from "#core/remotes/commands.ts";
import type { RemoteSession } from "#core/remotes/types.ts";

/** Opens the connections to a remote by its id. */
export type OpenUpstream = (
  ctx: Ctx,
  domain: DomainRef,
  remote: string,
) => Promise<Pick<RemoteSession, "get" | "maxRetries"> & AsyncDisposable>;

export const openUpstream: OpenUpstream = (ctx, domain, remote) => openRemote(ctx, domain, remote);

type Session = Awaited<ReturnType<OpenUpstream>>;

/** A remote in use; disposing it lets its connections go when nobody else comes soon. */
export interface UpstreamLease extends Disposable {
  readonly session: Session;
}

interface Slot {
  readonly session: Promise<Session>;
  users: number;
}

/** A changed remote is noticed after this time at the latest. */
const KEPT_MS = 5000;

/**
 * Downloads of one remote share its connections, so that its limits of simultaneous requests and
 * requests per second hold for the process.
 */
export class Upstreams implements AsyncDisposable {
  readonly #ctx: Ctx;
  readonly #open: OpenUpstream;
  readonly #slots = new Map<string, Slot>();
  readonly #closing = new AbortController();

  constructor(ctx: Ctx, open: OpenUpstream) {
    this.#ctx = ctx;
    this.#open = open;
  }

  async lease(domain: DomainRef, remote: string): Promise<UpstreamLease> {
    const slot = this.#slots.get(remote) ?? this.#add(domain, remote);
    slot.users += 1;
    try {
      const session = await slot.session;
      return { session, [Symbol.dispose]: () => this.#release(remote, slot) };
    } catch (error) {
      if (this.#slots.get(remote) === slot) this.#slots.delete(remote);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const slots = [...this.#slots.values()];
    this.#slots.clear();
    await Promise.all(slots.map((slot) => close(slot)));
  }

  #add(domain: DomainRef, remote: string): Slot {
    const slot = { session: this.#open(this.#ctx, domain, remote), users: 0 };
    this.#slots.set(remote, slot);
    void sleep(KEPT_MS, undefined, { ref: false, signal: this.#closing.signal })
      .then(() => this.#retire(remote, slot))
      .catch(() => undefined);
    return slot;
  }

  /** New downloads open the remote again; those under way keep their connections. */
  #retire(remote: string, slot: Slot): void {
    if (this.#slots.get(remote) !== slot) return;
    this.#slots.delete(remote);
    if (slot.users === 0) void close(slot);
  }

  #release(remote: string, slot: Slot): void {
    slot.users -= 1;
    if (slot.users === 0 && this.#slots.get(remote) !== slot) void close(slot);
  }
}

/** Connections that do not close are gone either way. */
const close = (slot: Slot): Promise<void> =>
  slot.session.then((session) => session[Symbol.asyncDispose]()).catch(() => undefined);
