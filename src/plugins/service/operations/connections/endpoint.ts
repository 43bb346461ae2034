import { randomUUID } from "node:crypto";
import type { JsonObject } from "#base/json.ts";
import { type Call, type Ctx, dispatch, type Values } from "#sdk";
import { serviceSettingsOf } from "../../settings.ts";
import { json, type Outcome, operation } from "../endpoint.ts";
import { PATTERN_NAMES, PATTERNS } from "./patterns.ts";
import { connectionTests } from "./tasks.ts";

const PATH = "/api/pulp/rds-connection-tests/";
const DEFAULT_MINUTES = 50;
const MOST_MINUTES = 300;

const OFF = {
  error: "RDS connection tests are not enabled.",
  hint: "Set RDS_CONNECTION_TESTS_ENABLED.",
};
const isOff = (ctx: Ctx): boolean =>
  !ctx.settings.DEBUG && !serviceSettingsOf(ctx).RDS_CONNECTION_TESTS_ENABLED;

export const describeConnectionTests = operation({
  path: PATH,
  title: "Tell which tests of connections there are",
  isPublic: true,
  async run({ ctx }) {
    if (isOff(ctx)) return json(403, OFF);
    return json(200, {
      available_tests: PATTERN_NAMES,
      descriptions: Object.fromEntries(
        Object.entries(PATTERNS).map(([name, { summary }]) => [name, summary]),
      ),
      usage: {
        endpoint: PATH,
        method: "POST",
        body: {
          tests: PATTERN_NAMES.slice(0, 2),
          run_sequentially: false,
          duration_minutes: DEFAULT_MINUTES,
        },
        note: "Each test holds a connection to the database for that long.",
      },
    });
  },
});

/** Its rules have answers of their own, so the kit lets everything through. */
const anything = (fallback: boolean | number | readonly string[]) => ({
  schema: {},
  nullable: true,
  absent: () => fallback,
});

/** Holds connections in all the ways that a proxy before the database may mind (service §10.6). */
export const startConnectionTests = operation({
  path: PATH,
  method: "POST",
  operationId: "rds_connection_tests_start",
  title: "Test connections to the database",
  isPublic: true,
  body: {
    schema: "RdsConnectionTests",
    isLenient: true,
    fields: {
      tests: anything([]),
      run_sequentially: anything(false),
      duration_minutes: anything(DEFAULT_MINUTES),
    },
  },
  answers: { 202: null },
  run: async (call, values) => (isOff(call.ctx) ? json(403, OFF) : start(call, values)),
});

async function start(call: Call, values: Values): Promise<Outcome> {
  const { tests, duration_minutes: minutes, run_sequentially: sequentially } = values;
  if (!isMinutes(minutes)) {
    return json(400, {
      error: `duration_minutes must be an integer between 1 and ${MOST_MINUTES}.`,
      provided: (minutes ?? null) as JsonObject | null,
    });
  }
  const names = Array.isArray(tests) ? [...new Set(tests.map(String))] : [String(tests)];
  if (names.length === 0) {
    return json(400, { error: "No tests specified. Provide a list of test names." });
  }
  const wrong = names.filter((name) => !PATTERN_NAMES.some((known) => known === name));
  if (wrong.length > 0) {
    const shown = wrong.map((name) => `'${name.slice(0, 100)}'`).slice(0, 20);
    const error = `Invalid test names: [${shown.join(", ")}]`;
    return json(400, { error, available_tests: PATTERN_NAMES });
  }
  return dispatched(call, { names, minutes, isSequential: sequentially === true });
}

const isMinutes = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MOST_MINUTES;

interface Wanted {
  readonly names: readonly string[];
  readonly minutes: number;
  readonly isSequential: boolean;
}

async function dispatched(
  { ctx, caller }: Call,
  { names, minutes, isSequential }: Wanted,
): Promise<Outcome> {
  const exclusive = isSequential ? [`rds-connection-tests:${randomUUID()}`] : [];
  const tasks: JsonObject[] = [];
  for (const [name, task] of connectionTests.filter(([known]) => names.includes(known))) {
    const { id } = await dispatch(ctx, { task, input: { minutes }, caller, exclusive });
    // Clients put this behind an API root that ends in `/api`.
    const href = `/pulp/${caller.domain.name}/api/v3/tasks/${id}/`;
    tasks.push({ test_name: name, task_id: id, task_href: href });
  }
  return json(202, {
    message: `Dispatched ${tasks.length} test(s)`,
    tasks,
    run_sequentially: isSequential,
    duration_minutes: minutes,
    note: `Each test takes ${minutes} minutes.`,
  });
}
