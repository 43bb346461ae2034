import { sql } from "kysely";
import type { Ctx } from "../ctx.ts";
import { askedInRedis, reconcileCancels } from "./cancel-keys.ts";
import { hideLocks, lockKeys, showLocks } from "./lock-scripts.ts";
import { SHARED_PREFIX } from "./rules.ts";

const MOST_WAITING = 100;

/** A key that is not renewed for so many lives of a worker is gone. */
const LEASES_PER_TTL = 3;

/**
 * Shows in Redis who has which task and resource, with `WORKER_TYPE=redis`. The queue in PostgreSQL
 * alone decides: keys that are lost, wrong or late change nothing, so nothing waits for Redis and
 * nothing is left behind by it (core-tasks-ops §8.5).
 */
export class ShownLocks {
  readonly #ctx: Ctx;
  /** By owner, what it shows. */
  readonly #shown = new Map<string, string>();
  readonly #resources = new Map<string, readonly string[]>();
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  readonly #hiding = new Set<string>();
  /** Owners that have nothing, of which Redis could not be told. */
  readonly #untold = new Set<string>();

  constructor(ctx: Ctx) {
    this.#ctx = ctx;
  }

  get isOn(): boolean {
    return this.#ctx.redis !== undefined && this.#ctx.settings.WORKER_TYPE === "redis";
  }

  /** The owner has begun with the task. */
  show(owner: string, task: string): void {
    if (!this.isOn) return;
    this.#shown.set(owner, task);
    this.#queueShow(owner, task);
  }

  /** The owner has nothing any more; also for one that has gone. */
  hide(owner: string): void {
    if (!this.isOn) return;
    const task = this.#shown.get(owner);
    this.#shown.delete(owner);
    if (task !== undefined) this.#resources.delete(task);
    // One that waits comes after every show so far.
    if (this.#hiding.has(owner)) return;
    this.#hiding.add(owner);
    this.#queue(() => {
      this.#hiding.delete(owner);
      this.#untold.add(owner);
      return this.#hide(owner, task).then(() => this.#untold.delete(owner));
    });
  }

  /** Renews what is shown, also after the server has lost it, and takes back what it was not told of. */
  renew(): void {
    if (!this.isOn) return;
    for (const owner of this.#untold) {
      if (this.#shown.has(owner)) this.#untold.delete(owner);
      else this.hide(owner);
    }
    for (const [owner, task] of this.#shown) this.#queueShow(owner, task);
  }

  /** Tasks among what is shown that somebody asks to cancel, by a key alone. */
  async asked(): Promise<readonly string[]> {
    return this.isOn ? askedInRedis(this.#ctx, [...this.#shown.values()]) : [];
  }

  /** Takes back what owners show that have no record. */
  async reconcile(): Promise<void> {
    const { redis, db } = this.#ctx;
    if (!this.isOn || !redis) return;
    await reconcileCancels(this.#ctx);
    const found = await redis.send("SMEMBERS", lockKeys.activeOwners).catch(() => []);
    const owners = (found as unknown[]).map(String);
    if (owners.length === 0) return;
    const known = await db
      .selectFrom("app_process")
      .select("name")
      .where("name", "in", owners)
      .execute();
    const names = new Set(known.map(({ name }) => name));
    for (const owner of owners) if (!names.has(owner)) this.hide(owner);
  }

  /** Resolves when everything so far was said, or could not be. */
  async settled(): Promise<void> {
    await this.#work;
  }

  /** A server that hangs must not cost memory: what is not shown now is so with the next beat. */
  #queueShow(owner: string, task: string): void {
    if (this.#waiting >= MOST_WAITING) return;
    this.#waiting += 1;
    this.#queue(() =>
      this.#show(owner, task).finally(() => {
        this.#waiting -= 1;
      }),
    );
  }

  /** One after the other. */
  #queue(say: () => Promise<unknown>): void {
    this.#work = this.#work.then(say).then(
      () => undefined,
      (error) => this.#ctx.log.debug(`Redis was not told of a lock: ${error}`),
    );
  }

  async #show(owner: string, task: string): Promise<void> {
    if (this.#shown.get(owner) !== task) return;
    const { redis, settings } = this.#ctx;
    const resources = await this.#resourcesOf(task);
    if (this.#shown.get(owner) !== task) return;
    const exclusive = resources.filter((name) => !name.startsWith(SHARED_PREFIX));
    const shared = resources
      .filter((name) => name.startsWith(SHARED_PREFIX))
      .map((name) => name.slice(SHARED_PREFIX.length));
    const held = [lockKeys.task(task), ...exclusive.map(lockKeys.resource)];
    const keys = [
      ...[lockKeys.activeOwners, lockKeys.ownerLocks(owner)],
      ...held,
      ...shared.map(lockKeys.resource),
    ];
    const ttl = LEASES_PER_TTL * settings.WORKER_TTL;
    await redis?.run(showLocks, keys, [owner, String(ttl), String(held.length)]);
  }

  async #hide(owner: string, task: string | undefined): Promise<void> {
    const keys = [lockKeys.activeOwners, lockKeys.ownerLocks(owner)];
    const ended = task === undefined ? [] : [lockKeys.canceled, lockKeys.cancel(task)];
    const values = task === undefined ? [owner] : [owner, task];
    await this.#ctx.redis?.run(hideLocks, [...keys, ...ended], values);
  }

  async #resourcesOf(task: string): Promise<readonly string[]> {
    const known = this.#resources.get(task);
    if (known) return known;
    const { rows } = await sql<{ resources: string[] }>`
      select resources from task where id = ${task}`.execute(this.#ctx.db);
    const resources = rows[0]?.resources ?? [];
    this.#resources.set(task, resources);
    return resources;
  }
}
