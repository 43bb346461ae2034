import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import { inOneFlight } from "#core/flight.ts";
import {
  commitVersion,
  createRepository,
  growth,
  openVersion,
} from "#core/repositories/commands.ts";
import { createJob } from "../../support/job.ts";
import { putBlobs, putImage, putTag } from "./images.ts";
import { createContainerApi, latestMembers, versionNumbers } from "./support.ts";

type Wanted = ReadonlyMap<string, readonly string[]>;

async function createWorld(t: TestContext, names: readonly string[]) {
  const api = await createContainerApi(t);
  const { ctx, domain } = api;
  const ids: string[] = [];
  for (const name of names) {
    ids.push((await createRepository(ctx, { domain, type: "container.container", name })).id);
  }
  const unitsOf = async (units: readonly string[]) => {
    const { rows } = await sql<{ id: string; type: string; slot: string | null }>`
      select c.id, t.name as type, c.slot from content c join content_type t on t.num = c.type
      where c.id = any(${units}::uuid[])`.execute(ctx.db);
    return new Map(rows.map((row) => [row.id, row]));
  };
  /** What the flight that reads finds out. */
  const look = async (wanted: Wanted) => {
    const units = await unitsOf([...wanted.values()].flat());
    const slots = [...wanted].flatMap(([repository, own]) =>
      own.flatMap((id) => {
        const slot = units.get(id)?.slot ?? null;
        return slot === null ? [] : [{ repository, slot }];
      }),
    );
    const [bases = [], taken = []] = await inOneFlight(ctx, [
      growth.baseSelect(domain, [...wanted.keys()]),
      growth.slotSelect(domain, slots),
    ]);
    const replaced = taken as readonly { repository: string; slot: string; type: string }[];
    return [...growth.basesOf(ctx, bases)].map(([id, base]) =>
      growth.growthOf(base, {
        add: (wanted.get(id) ?? []).map((unit) => ({
          ...{ id: unit, type: units.get(unit)?.type ?? "container.blob" },
        })),
        replaced: replaced.filter(({ repository }) => repository === id),
      }),
    );
  };
  const write = (growths: Awaited<ReturnType<typeof look>>) =>
    inOneFlight(ctx, [
      growth.lock(domain, growths),
      growth.moveMembers(domain, growths),
      growth.publish(domain, growths),
    ]);
  return { api, ctx, domain, ids, look, write, add: async (w: Wanted) => write(await look(w)) };
}

const countsOf = async (ctx: Awaited<ReturnType<typeof createWorld>>["ctx"], id: string) => {
  const { rows } = await sql<{ counts: unknown }>`
    select v.counts from repository_version v join repository r on r.num = v.repository
    where r.id = ${id} order by v.number desc limit 1`.execute(ctx.db);
  return rows[0]?.counts;
};

test("several repositories get their versions at once, each with its own units", async (t) => {
  const { api, ctx, ids, add } = await createWorld(t, ["a", "b"]);
  const [a = "", b = ""] = ids;
  const image = await putImage(api, { layers: ["x"] });
  const blobs = await putBlobs(api, ["y"]);

  await add(
    new Map([
      [a, image.units],
      [b, blobs],
    ]),
  );

  assert.deepEqual(
    [await versionNumbers(ctx, a), await versionNumbers(ctx, b)],
    [
      [0, 1],
      [0, 1],
    ],
  );
  assert.equal((await latestMembers(ctx, a)).length, image.units.length);
  assert.equal((await latestMembers(ctx, b)).length, 1);
  assert.deepEqual(await countsOf(ctx, a), {
    present: { "container.blob": 2, "container.manifest": 1 },
    added: { "container.blob": 2, "container.manifest": 1 },
    removed: {},
  });
});

test("a tag takes the place of the one of its name", async (t) => {
  const { api, ctx, ids, add } = await createWorld(t, ["a"]);
  const [a = ""] = ids;
  const [old, next] = [
    await putImage(api, { layers: ["x"] }),
    await putImage(api, { layers: ["y"] }),
  ];
  await add(new Map([[a, [...old.units, await putTag(api, "1", old.manifest)]]]));
  const fresh = next.units.filter((unit) => !old.units.includes(unit));

  await add(new Map([[a, [...fresh, await putTag(api, "1", next.manifest)]]]));

  assert.deepEqual(await versionNumbers(ctx, a), [0, 1, 2]);
  const tags = (await latestMembers(ctx, a)).filter((text) => text.includes(" → "));
  assert.deepEqual(tags, [`1 → ${next.digest}`]);
  assert.partialDeepStrictEqual(await countsOf(ctx, a), {
    removed: { "container.tag": 1 },
    present: { "container.tag": 1, "container.manifest": 2 },
  });
});

test("a repository whose next version is being filled is no base", async (t) => {
  const { api, ids, look } = await createWorld(t, ["plain", "filling"]);
  const [plain = "", filling = ""] = ids;
  const units = await putBlobs(api, ["x"]);
  await openVersion(createJob(api), filling);

  const growths = await look(new Map(ids.map((id) => [id, units])));

  assert.deepEqual(
    growths.map(({ repository }) => repository.id),
    [plain],
  );
});

test("nothing is done where anything has changed since it was read", async (t) => {
  const names = ["plain", "locked", "newer", "filling", "lacking", "twice", "there"];
  const { api, ctx, ids, look, write } = await createWorld(t, names);
  const [plain = "", locked = "", newer = "", filling = "", lacking = "", twice = "", there = ""] =
    ids;
  const image = await putImage(api);
  const other = await putImage(api, { layers: ["other"] });
  const missing = "019b0000-0000-7000-8000-000000000000";
  const tags = [await putTag(api, "1", image.manifest), await putTag(api, "1", other.manifest)];
  const refused = async (id: string, units: readonly string[], change = async () => {}) => {
    const growths = await look(
      new Map([
        [plain, image.units],
        [id, units],
      ]),
    );
    assert.equal(growths.length, 2);
    await change();
    await assert.rejects(write(growths), { code: /^(22012|23505)$/ });
    assert.deepEqual(await versionNumbers(ctx, plain), [0]);
  };

  await ctx.db.transaction().execute(async (holder) => {
    await sql`select from repository where id = ${locked} for update`.execute(holder);
    await refused(locked, image.units);
  });
  await refused(newer, image.units, async () => {
    const edit = { add: other.units, remove: [] };
    await commitVersion(createJob(api), newer, edit);
  });
  await refused(filling, image.units, async () => {
    await openVersion(createJob(api), filling);
  });
  await refused(lacking, [...image.units, missing]);
  await refused(twice, tags);
  await commitVersion(createJob(api), there, { add: image.units, remove: [] });
  await refused(there, image.units);
});

test("many repositories take as many statements as one", async (t) => {
  const names = Array.from({ length: 20 }, (_, n) => `r${n}`);
  const { api, ids, add } = await createWorld(t, names);
  const units = await putBlobs(api, ["x"]);
  const [first = "", ...others] = ids;

  const one = await api.statementsOf(() => add(new Map([[first, units]])));
  const many = await api.statementsOf(() => add(new Map(others.map((id) => [id, units]))));

  assert.equal(many.length, one.length);
});
