import { Type } from "@sinclair/typebox";
import { defineTask } from "#sdk";
import { holdConnection } from "./hold.ts";
import { PATTERN_NAMES, type PatternName } from "./patterns.ts";

const MINUTE_MS = 60_000;
const BEAT_MS = 30_000;

const connectionTest = (name: PatternName) =>
  defineTask({
    name: `pulp_service.app.tasks.rds_connection_tests.${name}`,
    label: "service",
    input: Type.Object({ minutes: Type.Integer({ minimum: 1, maximum: 300 }) }),
    run: ({ ctx, signal }, { minutes }) =>
      holdConnection(ctx, { name, durationMs: minutes * MINUTE_MS, beatMs: BEAT_MS, signal }),
  });

/** A task for each way to use a connection (service §10.6). */
export const connectionTests = PATTERN_NAMES.map((name) => [name, connectionTest(name)] as const);
