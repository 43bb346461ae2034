import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import type { Ctx } from "#core/ctx.ts";
import { claimTask } from "#core/tasks/queue.ts";
import { toLocks } from "#core/tasks/rules.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";
import { idle, registerWorker } from "./support.ts";

/** What a call may touch when nobody waits for the task (data-model §18). */
const MOST_BUFFERS = 60;
/** Deeper indexes cost a page for each level and look-up; what grows with the tasks costs hundreds. */
const DEPTH = 40;
/** The first calls of a connection also make plans. */
const ROUNDS = 12;

const dispatchCall = ({ domain }: TestContextValue, name: string): string => {
  const { keys, excl } = toLocks({ exclusive: [name], shared: [`domain ${domain.id}`] });
  return `task_dispatch(gen_random_uuid(), ${domain.num}, 'test.idle', '{${keys}}', '{${excl}}',
    '{${name}}', '', '{}', false, 0, false, true, null, '', null, null, null, null, '{}')`;
};

/** Shared buffers that the call touched, those of its nested statements among them. */
async function buffers(ctx: Ctx, call: string): Promise<number> {
  const { rows } = await sql<{ "QUERY PLAN": readonly { readonly Plan: Plan }[] }>`
    explain (analyze, buffers, format json) select * from ${sql.raw(call)}`.execute(ctx.db);
  const plan = rows[0]?.["QUERY PLAN"][0]?.Plan;
  assert.ok(plan);
  return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
}

interface Plan {
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
}

interface Costs {
  readonly dispatch: number;
  readonly claim: number;
  readonly finish: number;
}

/** Least buffers of each function, on a name that so many tasks wait for, or on names of their own. */
async function costs(world: TestContextValue, backlog: number): Promise<Costs> {
  const { ctx } = world;
  const owner = await registerWorker(ctx);
  await sql`select ${sql.raw(dispatchCall(world, "busy"))}
    from generate_series(1, ${backlog}::int)`.execute(ctx.db);
  let low: Costs = { dispatch: Infinity, claim: Infinity, finish: Infinity };
  for (let round = 0; round < ROUNDS; round += 1) {
    const name = backlog > 0 ? "busy" : `own-${round}`;
    const dispatch = await buffers(ctx, dispatchCall(world, name));
    const claim = await buffers(ctx, `task_claim('${owner}', 9999999)`);
    const { seq = 0 } = (await claimTask(ctx, owner)) ?? {};
    const finish = await buffers(ctx, `task_finish(${seq}, '${owner}', 'completed', null, null)`);
    low = {
      dispatch: Math.min(low.dispatch, dispatch),
      claim: Math.min(low.claim, claim),
      finish: Math.min(low.finish, finish),
    };
  }
  return low;
}

test("dispatch, claim and finish touch few buffers", async (t) => {
  const found = await costs(await createContext(t, { tasks: [idle] }), 0);
  t.diagnostic(JSON.stringify(found));
  for (const [name, count] of Object.entries(found)) {
    assert.ok(count <= MOST_BUFFERS, `${name} touches ${count} buffers`);
  }
});

test("they touch as many with 3 000 waiting on one name as with 30", async (t) => {
  const few = await costs(await createContext(t, { tasks: [idle] }), 30);
  const many = await costs(await createContext(t, { tasks: [idle] }), 3000);
  t.diagnostic(`${JSON.stringify(few)} became ${JSON.stringify(many)}`);
  for (const name of ["dispatch", "claim", "finish"] as const) {
    assert.ok(many[name] <= few[name] + DEPTH, `${name}: ${few[name]} became ${many[name]}`);
  }
});
