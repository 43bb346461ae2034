import { type Soon, soon } from "#base/soon.ts";
import type { GuardHandler, GuardPrelude } from "#delivery/contract.ts";
import { coreGuardHandlers } from "#delivery/guards/core-guards.ts";
import { DENIED } from "#delivery/permit.ts";
import type { Plugin } from "#sdk";

/**
 * Every guard type of this process, each behind what plugins let decide before it.
 *
 * @param passes the guards themselves permit everything.
 */
export function guardHandlers(
  shipped: readonly Plugin[],
  { passes = false }: { readonly passes?: boolean } = {},
): readonly GuardHandler[] {
  const preludes = shipped.flatMap(({ beforeGuards = [] }) => beforeGuards);
  const own = [...coreGuardHandlers, ...shipped.flatMap(({ guards = [] }) => guards)];
  const handlers = passes ? own.map(({ type }): GuardHandler => ({ type, refusal: permit })) : own;
  return preludes.length === 0 ? handlers : handlers.map((one) => behind(preludes, one));
}

const permit = (): undefined => undefined;

/** The first that refuses decides; else the first that permits; else the guard. */
const behind = (preludes: readonly GuardPrelude[], handler: GuardHandler): GuardHandler => ({
  type: handler.type,
  refusal(ctx, guard, request) {
    const said = preludes.map((one) => one.decide(ctx, guard, request));
    return soon(allOf(said), (all) => {
      if (all.includes("refuse")) return DENIED;
      return all.includes("permit") ? undefined : handler.refusal(ctx, guard, request);
    });
  },
});

type Said = ReturnType<GuardPrelude["decide"]>;

const allOf = (said: readonly Said[]): Soon<readonly Awaited<Said>[]> =>
  said.some((one) => one instanceof Promise)
    ? Promise.all(said)
    : (said as readonly Awaited<Said>[]);
