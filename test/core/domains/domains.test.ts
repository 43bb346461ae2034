import assert from "node:assert/strict";
import { test } from "node:test";
import { ensureDefaultDomain } from "#core/domains/commands.ts";
import { domainFinder } from "#core/domains/queries.ts";
import { createCoreWorld } from "../../support/core-world.ts";

test("the default domain says what the settings say, at every start", async (t) => {
  const { ctx } = await createCoreWorld(t);
  const read = () =>
    ctx.db.selectFrom("domain").selectAll().where("name", "=", "default").executeTakeFirstOrThrow();
  const before = await read();

  await ensureDefaultDomain(ctx.db, {
    ...ctx.settings,
    REDIRECT_TO_OBJECT_STORAGE: false,
    HIDE_GUARDED_DISTRIBUTIONS: true,
  });

  const after = await read();
  assert.equal(after.id, before.id);
  assert.equal(after.redirect_to_object_storage, false);
  assert.equal(after.hide_guarded_distributions, true);
});

test("a domain is found by name, and believed for a second", async (t) => {
  const world = await createCoreWorld(t);
  let now = 0;
  const find = domainFinder({ ...world.ctx, clock: { now: () => now } });
  const second = await world.secondDomain("second");

  assert.equal(await find("nobody"), undefined);
  assert.deepEqual(await find("second"), second);
  const { statements } = await world.statements.count(() => find("second"));
  await world.ctx.db.deleteFrom("domain").where("name", "=", "second").execute();

  assert.equal(statements.length, 0);
  assert.deepEqual(await find("second"), second);
  now = 1001;
  assert.equal(await find("second"), undefined);
});
