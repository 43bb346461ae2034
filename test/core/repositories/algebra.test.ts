import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CodedError } from "#base/errors.ts";
import type { RepositoryRef } from "#core/plugin-contract.ts";
import {
  addMembers,
  completeVersion,
  createVersion,
  deleteVersion,
  discardVersion,
  openVersion,
  removeMembers,
  updateRepository,
} from "#core/repositories/commands.ts";
import { addedUnits, removedUnits, versionByNumber } from "#core/repositories/queries.ts";
import { type CoreWorld, checkMembership, createCoreWorld } from "../../support/core-world.ts";
import { type ModelBatch, type ModelEdit, VersionModel } from "./version-model.ts";

const UNITS = ["a@1", "a@2", "b@1", "b@2", "c@1", "c@2", "d", "note1", "note2"];

type Step =
  | ({ readonly kind: "modify"; readonly baseRank?: number } & ModelEdit)
  | { readonly kind: "sync"; readonly mirror: boolean; readonly batches: readonly ModelBatch[] }
  | { readonly kind: "abandon"; readonly units: readonly string[] }
  | { readonly kind: "delete"; readonly rank: number }
  | { readonly kind: "retain"; readonly count: number };

const units = (maxLength: number) => fc.uniqueArray(fc.constantFrom(...UNITS), { maxLength });
const batch = fc.record({
  kind: fc.oneof(
    { weight: 4, arbitrary: fc.constant("add" as const) },
    { weight: 1, arbitrary: fc.constant("remove" as const) },
  ),
  units: units(4),
});
const modify = fc.record(
  {
    kind: fc.constant("modify" as const),
    add: units(3),
    remove: fc.oneof(
      { weight: 5, arbitrary: units(3) },
      { weight: 1, arbitrary: fc.constant("*" as const) },
    ),
    baseRank: fc.nat(9),
    overwrite: fc.boolean(),
  },
  { requiredKeys: ["kind", "add", "remove"] },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: modify as fc.Arbitrary<Step> },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("sync" as const),
      mirror: fc.boolean(),
      batches: fc.array(batch, { maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("abandon" as const), units: units(3) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("delete" as const), rank: fc.nat(9) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("retain" as const),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
);

/** One repository beside its model. */
class Pair {
  readonly model = new VersionModel();
  readonly #world: CoreWorld;
  readonly #repository: RepositoryRef;
  readonly #ids: ReadonlyMap<string, string>;

  constructor(world: CoreWorld, repository: RepositoryRef, ids: ReadonlyMap<string, string>) {
    this.#world = world;
    this.#repository = repository;
    this.#ids = ids;
  }

  #idsOf = (names: readonly string[]): string[] => names.map((name) => this.#ids.get(name) ?? "");

  /** Does the step to both; they agree about the error, too. */
  async run(each: Step): Promise<void> {
    const [expected, work] = this.#plan(each);
    const actual = await work.then(
      () => undefined,
      (error: unknown) => (error instanceof CodedError ? error.code : Promise.reject(error)),
    );
    assert.equal(actual, expected, JSON.stringify(each));
  }

  #plan(each: Step): readonly [string | undefined, Promise<unknown>] {
    const { model } = this;
    const numbers = model.numbers;
    switch (each.kind) {
      case "modify": {
        const { baseRank, add, remove, overwrite = true } = each;
        const base = baseRank === undefined ? undefined : numbers[baseRank % numbers.length];
        const work = this.#modify({ add, remove, overwrite }, base);
        return [
          model.modify({ add, remove, overwrite, ...(base === undefined ? {} : { base }) }),
          work,
        ];
      }
      case "sync":
        return [model.sync(each.batches, each.mirror), this.#sync(each.batches, each.mirror)];
      case "abandon":
        return [undefined, this.#abandon(each.units)];
      case "delete": {
        const number = numbers[each.rank % numbers.length] ?? 0;
        return [model.delete(number), this.#delete(number)];
      }
      case "retain":
        model.retain(each.count);
        return [undefined, this.#retain(each.count)];
    }
  }

  async #modify(edit: ModelEdit, base: number | undefined): Promise<void> {
    const baseVersion =
      base === undefined ? undefined : await this.#world.versionId(this.#repository, base);
    await createVersion(this.#world.job, this.#repository.id, {
      add: this.#idsOf(edit.add),
      remove: edit.remove === "*" ? "*" : this.#idsOf(edit.remove),
      overwrite: edit.overwrite ?? true,
      ...(baseVersion === undefined ? {} : { baseVersion }),
    });
  }

  async #sync(batches: readonly ModelBatch[], mirror: boolean): Promise<void> {
    const { ctx, job } = this.#world;
    const draft = await openVersion(job, this.#repository.id, { mirror });
    try {
      for (const { kind, units: names } of batches) {
        if (kind === "add") await addMembers(ctx, draft, this.#idsOf(names));
        else await removeMembers(ctx, draft, this.#idsOf(names));
      }
    } catch (error) {
      await discardVersion(ctx, draft);
      throw error;
    }
    await completeVersion(job, draft);
  }

  /** A crash in the middle of a sync: the next version removes what is left. */
  async #abandon(names: readonly string[]): Promise<void> {
    const { ctx, job } = this.#world;
    const draft = await openVersion(job, this.#repository.id, { mirror: true });
    const [first = "", ...rest] = names;
    await addMembers(ctx, draft, this.#idsOf(first ? [first] : []));
    await removeMembers(ctx, draft, this.#idsOf(rest));
  }

  async #delete(number: number): Promise<void> {
    const id = await this.#world.versionId(this.#repository, number);
    await deleteVersion(this.#world.ctx, this.#world.domain, id);
  }

  async #retain(count: number): Promise<void> {
    const { ctx, domain } = this.#world;
    const { id } = this.#repository;
    await updateRepository(ctx, { domain, id, patch: { retainRepoVersions: count } });
    await updateRepository(ctx, { domain, id, patch: { retainRepoVersions: null } });
  }

  /** All versions hold what the model says, and count it. */
  async compare(): Promise<void> {
    const { ctx, domain } = this.#world;
    // A step that opens a version, so that the leftover of a crash is gone.
    await discardVersion(ctx, await openVersion(this.#world.job, this.#repository.id));
    assert.deepEqual(await this.#world.versionNumbers(this.#repository), this.model.numbers);
    let before: ReadonlySet<string> = new Set();
    let from = -1;
    for (const [number, members] of [...this.model.versions].sort(([a], [b]) => a - b)) {
      assert.deepEqual(await this.#world.members(this.#repository, number), [...members].sort());
      const key = { repository: this.#repository.id, number };
      const counts = (await versionByNumber(ctx.db, domain, key))?.counts ?? {};
      assert.equal(total(counts.present), members.size);
      assert.equal(total(counts.added), members.difference(before).size);
      assert.equal(total(counts.removed), before.difference(members).size);
      const range = { repository: this.#repository.num, from, to: number };
      const added = await addedUnits(ctx.db, range);
      const removed = await removedUnits(ctx.db, range);
      assert.equal(added.length, members.difference(before).size);
      assert.equal(removed.length, before.difference(members).size);
      before = members;
      from = number;
    }
  }
}

const total = (counts: Readonly<Record<string, number>> = {}): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

test("random edits, syncs, deletions and retention agree with sets of names", async (t) => {
  const world = await createCoreWorld(t);
  const names = UNITS.filter((name) => !name.startsWith("note"));
  const notes = UNITS.filter((name) => name.startsWith("note"));
  const ids = [...(await world.files(...names)), ...(await world.notes(...notes))];
  const byName = new Map([...names, ...notes].map((name, index) => [name, ids[index] ?? ""]));

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), async (steps) => {
      const pair = new Pair(world, await world.repository(), byName);
      for (const each of steps) await pair.run(each);
      await pair.compare();
    }),
    { numRuns: Number(process.env.DECKLE_TEST_RUNS ?? 40) },
  );

  assert.deepEqual(await checkMembership(world.ctx), []);
});
