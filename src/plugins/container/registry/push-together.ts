import { type Ctx, type DomainRef, flights, growth } from "#sdk";
import { readConfigs } from "../read-configs.ts";
import { growthsOf, type Looked, lookedAt } from "./push-look.ts";
import type { PushMemory } from "./push-memory.ts";
import { recalled, rememberGrown } from "./push-recall.ts";
import { pushStatements } from "./push-statements.ts";
import type { Batch, ManifestPush, PushOutcome } from "./pushed.ts";

type Outcomes = ReadonlyMap<ManifestPush, PushOutcome>;

/**
 * Manifests, tags, versions, their tasks and the lines of the audit trail, of all pushes that come at
 * the same time, in one transaction: a flight that looks, unless what it would find is remembered, and
 * one that writes if all is as it was seen.
 * Pushes to one repository share a version, unless they give one name to two manifests. A transaction
 * that is refused leaves each to itself.
 */
export const pushTogether = flights.together<ManifestPush, PushOutcome>(async (ctx, pushes) => {
  const outcomes = new Map<ManifestPush, PushOutcome>();
  for (const ofDomain of Map.groupBy(pushes, ({ caller }) => caller.domain.num).values()) {
    const [first] = ofDomain;
    if (!first) continue;
    const known = await pushToDomain(ctx, first.caller.domain, withoutRivals(ofDomain));
    for (const [push, outcome] of known) outcomes.set(push, outcome);
  }
  return pushes.map((push) => outcomes.get(push) ?? "alone");
});

/**
 * Without those that give a name which another one gives to another manifest: they come after it, each
 * by itself, so that a rule about moved tags sees them.
 */
function withoutRivals(pushes: readonly ManifestPush[]): readonly ManifestPush[] {
  const given = new Map<string, string>();
  return pushes.filter(({ repository, tags, facts: { digest } }) => {
    const names = tags.map((tag) => `${repository} ${tag}`);
    const isRival = names.some((name) => (given.get(name) ?? digest) !== digest);
    if (!isRival) for (const name of names) given.set(name, digest);
    return !isRival;
  });
}

async function pushToDomain(
  ctx: Ctx,
  domain: DomainRef,
  pushes: readonly ManifestPush[],
): Promise<Outcomes> {
  const [first] = pushes;
  if (!first) return new Map();
  const { memory } = first;
  const known = recalled(memory, pushes);
  const believed = known && (await written(ctx, domain, { looked: known, memory }));
  if (believed) return believed;
  const looked = await lookedAt(ctx, domain, { pushes, memory });
  const lacking = looked.lacking.map(({ push, missing }) => [push, { missing }] as const);
  const done = looked.plain.length > 0 ? await written(ctx, domain, { looked, memory }) : undefined;
  return new Map<ManifestPush, PushOutcome>([...lacking, ...(done ?? [])]);
}

interface Found {
  readonly looked: Looked;
  readonly memory: PushMemory;
}

/** Undefined where something is not as it was found: somebody else was faster. */
async function written(
  ctx: Ctx,
  domain: DomainRef,
  { looked, memory }: Found,
): Promise<Outcomes | undefined> {
  // Configurations are files: they are read before rows are locked.
  const facts = looked.plain.map(({ push }) => push.facts);
  const configs = await readConfigs(ctx, domain, { facts });
  const batch = growthsOf(ctx, domain, { looked, configs });
  const { statements, done, told } = pushStatements(ctx, domain, batch);
  const rows = await flights.attempt(ctx, statements);
  if (!rows) {
    memory.forget(looked.bases.keys());
    return undefined;
  }
  rememberGrown(memory, { looked, batch, rowVersion: growth.rowVersionOf(rows[0]) });
  if (done) await flights.giveDone(ctx, ctx.db, done);
  growth.announce(ctx, domain, rows[told] ?? []);
  return outcomesOf(batch);
}

/** One push of each repository that keeps only so many versions sees to that. */
function outcomesOf({ pushes, growths }: Batch): Outcomes {
  const retaining = growth.retainedBy(growths);
  return new Map(
    pushes.map(({ push }) => [push, retaining.delete(push.repository) ? "retains" : "done"]),
  );
}
