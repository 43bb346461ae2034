import type { Ctx, DomainRef, Executor, Trx } from "../ctx.ts";
import type { SavedUnit, UnitBatch } from "./types.ts";

/**
 * Finds or creates the units with their files and remote sources (data-model §4).
 *
 * @param trx without it the call makes, and on conflict repeats, a transaction of its own.
 * @returns one entry per unit, in the order given.
 */
export declare function saveUnits(ctx: Ctx, batch: UnitBatch, trx?: Trx): Promise<SavedUnit[]>;

/** Protects units from orphan clean-up for another while (core-content §1.3). */
export declare function touchUnits(
  db: Executor,
  domain: DomainRef,
  ids: readonly string[],
): Promise<void>;
