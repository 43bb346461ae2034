import { setImmediate as turn } from "node:timers/promises";
import type { Call } from "#sdk";
import { isAdmin } from "../access/audiences.ts";
import { json, numberIn, type Outcome, operation } from "./endpoint.ts";

const STAGE = "stage";
const MIB = 1_048_576;
const ELSEWHERE = "OOM test endpoint is only available on stage";

/**
 * Takes memory until somebody ends the process, to see that the alarms go off (service §10). Only in
 * the environment that is there for it; a client who leaves ends it, too.
 */
export const memoryTrial = operation({
  path: "/api/pulp/test/trigger-oom/",
  method: "POST",
  title: "Take memory until the process is ended",
  admits: isAdmin,
  run: (call) => trial(call),
});

async function trial(call: Call): Promise<Outcome> {
  // The environment is named for the platform, not for this program: there is no setting of it.
  if (process.env.ENV_NAME !== STAGE) return json(403, { error: ELSEWHERE });
  const pieceMib = numberIn(call, "chunk_mb", { least: 1, most: 100, otherwise: 10 });
  const held: Buffer[] = [];
  while (!call.signal.aborted) {
    held.push(Buffer.alloc(pieceMib * MIB, 1));
    call.ctx.log.warn(`OOM test: allocated ${held.length * pieceMib} MB`);
    await turn();
  }
  return json(200, { allocated_mb: held.length * pieceMib });
}
