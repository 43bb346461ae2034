import {
  addToLatest,
  announceAfterCommit,
  type Caller,
  type Ctx,
  type DomainRef,
  inTransaction,
  recordTasks,
} from "#sdk";
import { PUSH_TASK } from "../commit.ts";
import { NO_CONFIG } from "../format/config.ts";
import type { ManifestFacts } from "../format/manifest.ts";
import { presentInEach } from "../queries.ts";
import { type ManifestInput, saveManifests, saveTags, unreadConfigs } from "../save.ts";
import type { Trx } from "../trx.ts";
import { missingBlobs } from "./manifest-rules.ts";
import type { ChangeEntry, Registry } from "./registry.ts";
import { isRefusal, together } from "./together.ts";

/** A manifest that was received and read, and where it goes. */
export interface ManifestPush {
  readonly caller: Caller;
  /** `repository.id` */
  readonly repository: string;
  readonly facts: ManifestFacts;
  /** Names that it gets. */
  readonly tags: readonly string[];
  readonly entry: ChangeEntry;
  readonly tools: Pick<Registry["tools"], "recording">;
}

/**
 * `alone`: its repository has to be waited for. `retains`: its repository keeps only so many versions,
 * which follows from this push.
 */
export type PushOutcome = "done" | "retains" | "alone" | { readonly missing: readonly string[] };

type Outcomes = ReadonlyMap<ManifestPush, PushOutcome>;

/**
 * Manifests, tags, versions, their tasks and the lines of the audit trail, of all pushes that come at
 * the same time, in one transaction. Pushes to one repository share a version, unless they give one
 * name to two manifests. A transaction that is refused leaves each to itself.
 */
export const pushTogether = together<ManifestPush, PushOutcome>(async (ctx, pushes) => {
  const outcomes = new Map<ManifestPush, PushOutcome>();
  for (const ofDomain of Map.groupBy(pushes, ({ caller }) => caller.domain.num).values()) {
    const known = await pushToDomain(ctx, ofDomain).catch(unlessRefused);
    for (const [push, outcome] of known) outcomes.set(push, outcome);
  }
  return pushes.map((push) => outcomes.get(push) ?? "alone");
});

function unlessRefused(error: unknown): Outcomes {
  if (!isRefusal(error)) throw error;
  return new Map();
}

/** A push that lacks nothing. */
interface WholePush {
  readonly push: ManifestPush;
  /** `content.id`s of what its manifest names. */
  readonly named: readonly string[];
}

async function pushToDomain(ctx: Ctx, pushes: readonly ManifestPush[]): Promise<Outcomes> {
  const [first] = pushes;
  if (!first) return new Map();
  const { domain } = first.caller;
  const { whole, lacking } = await sorted(ctx, domain, withoutRivals(pushes));
  if (whole.length === 0) return lacking;
  const facts = whole.map(({ push }) => push.facts);
  // Configurations are files: they are read before rows are locked.
  const read = await unreadConfigs(ctx, domain, { facts });
  const manifests = facts.map((each) => ({
    ...{ facts: each, config: read.get(each.digest) ?? NO_CONFIG },
  }));
  const { added, outcomes } = await inTransaction(ctx, undefined, (trx) =>
    commitAll(ctx, trx, { domain, whole, manifests }),
  );
  for (const { announced } of added.values()) announceAfterCommit(ctx, domain, announced);
  return new Map([...lacking, ...outcomes]);
}

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

/** Tells those that name blobs which their repository does not have. */
async function sorted(ctx: Ctx, { num }: DomainRef, pushes: readonly ManifestPush[]) {
  const asked = pushes.map(({ repository, facts }) => ({
    ...{ repository, digests: facts.references.map(({ digest }) => digest) },
  }));
  const present = await presentInEach(ctx.db, num, asked);
  const lacking = new Map<ManifestPush, PushOutcome>();
  const whole: WholePush[] = [];
  for (const [index, push] of pushes.entries()) {
    const there = present[index] ?? new Map<string, never>();
    const missing = missingBlobs(push.facts, there);
    if (missing.length > 0) lacking.set(push, { missing });
    else whole.push({ push, named: [...there.values()].map(({ id }) => id) });
  }
  return { whole, lacking };
}

interface Batch {
  readonly domain: DomainRef;
  readonly whole: readonly WholePush[];
  readonly manifests: readonly ManifestInput[];
}

async function commitAll(ctx: Ctx, trx: Trx, { domain, whole, manifests }: Batch) {
  const units = await savedUnits(ctx, trx, { domain, whole, manifests });
  const wanted = new Map(
    [...Map.groupBy(units, ({ push }) => push.repository)].map(([id, ofOne]) => [
      id,
      unitsOf(ofOne),
    ]),
  );
  const added = await addToLatest(ctx, trx, { domain, wanted });
  const done = units.flatMap(({ push }) => {
    const result = added.get(push.repository);
    return result ? [{ push, created: result.created }] : [];
  });
  const made = done.flatMap(({ push: { caller }, created }) =>
    created ? [{ caller, created }] : [],
  );
  if (made.length > 0) await recordTasks(ctx, { name: PUSH_TASK, done: made }, trx);
  const entries = done.map(({ push }) => push.entry);
  for (const each of done[0]?.push.tools.recording(entries) ?? []) await each.execute(trx);
  return {
    added,
    outcomes: outcomesOf(
      done.map(({ push }) => push),
      added,
    ),
  };
}

/** One push of each repository that keeps only so many versions sees to that. */
function outcomesOf(
  done: readonly ManifestPush[],
  added: Awaited<ReturnType<typeof addToLatest>>,
): Outcomes {
  const retaining = new Set(
    [...added].flatMap(([id, { version, repository }]) =>
      version && repository.retainRepoVersions !== null ? [id] : [],
    ),
  );
  return new Map(
    done.map((push) => [push, retaining.delete(push.repository) ? "retains" : "done"]),
  );
}

interface SavedPush extends WholePush {
  /** `content.id` */
  readonly manifest: string;
  readonly tags: readonly { readonly name: string; readonly id: string }[];
}

async function savedUnits(
  ctx: Ctx,
  trx: Trx,
  { domain, whole, manifests }: Batch,
): Promise<readonly SavedPush[]> {
  const saved = await saveManifests(ctx, domain, { manifests, trx, areNew: true });
  const named = whole.flatMap(({ push }, index) =>
    push.tags.map((name) => ({ push, name, manifest: saved[index]?.id ?? "" })),
  );
  const ids =
    named.length > 0 ? await saveTags(ctx, domain, { tags: named, trx, areNew: true }) : [];
  const tags = Map.groupBy(
    named.map(({ push, name }, index) => ({ push, name, id: ids[index]?.id ?? "" })),
    ({ push }) => push,
  );
  return whole.map((one, index) => ({
    ...{ ...one, manifest: saved[index]?.id ?? "", tags: tags.get(one.push) ?? [] },
  }));
}

function unitsOf(pushes: readonly SavedPush[]): readonly string[] {
  return [
    ...new Set(
      pushes.flatMap(({ manifest, named, tags }) => [
        manifest,
        ...named,
        ...tags.map(({ id }) => id),
      ]),
    ),
  ];
}
