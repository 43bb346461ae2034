import type { Caller, Ctx } from "../ctx.ts";
import type { ClaimedTask } from "./types.ts";

/** What a task remembers of the request that dispatched it, beyond the columns of its row. */
export type Remembered = Pick<Caller, "claims" | "route">;

/** Beside the input, where a release that does not know it reads over it. No input has such a name. */
const REMEMBERED = "deckle:caller";

/** The column `arguments`: the input, and with it where the task comes from. */
export function sealArguments(
  { secrets }: Pick<Ctx, "secrets">,
  input: unknown,
  { claims, route }: Remembered,
): string {
  const caller = { ...(claims ? { claims } : {}), ...(route === undefined ? {} : { route }) };
  const isAlone = Object.keys(caller).length === 0 || !isObject(input);
  return secrets.seal(JSON.stringify(isAlone ? input : { ...input, [REMEMBERED]: caller }));
}

/** The other way round. */
export function openArguments(
  { secrets }: Pick<Ctx, "secrets">,
  task: Pick<ClaimedTask, "arguments">,
): { readonly input: unknown; readonly caller: Remembered } {
  const opened: unknown = task.arguments === null ? {} : JSON.parse(secrets.open(task.arguments));
  if (!isObject(opened)) return { input: opened, caller: {} };
  const { [REMEMBERED]: caller, ...input } = opened;
  return { input, caller: isObject(caller) ? caller : {} };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
