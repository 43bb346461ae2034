import { PREPARE } from "#base/prepare.ts";
import { type Ctx, type DomainRef, flights, growth, slotOf, sql } from "#sdk";
import { containerBlob, containerManifest, containerTag } from "../content.ts";
import type { ConfigFacts } from "../format/config.ts";
import { NO_CONFIG } from "../format/config.ts";
import { type Present, presentOf, presentSelect } from "../queries.ts";
import { manifestUnit, tagUnit } from "../save.ts";
import { missingBlobs } from "./manifest-rules.ts";
import type { Base, PushMemory } from "./push-memory.ts";
import type { Batch, ManifestPush, NewPush } from "./pushed.ts";

type Member = Parameters<typeof growth.growthOf>[1]["add"][number];
type Taken = Parameters<typeof growth.growthOf>[1]["replaced"][number];

/** A push of a new manifest that lacks nothing, to a repository of which versions are plain. */
interface PlainPush {
  readonly push: ManifestPush;
  /** What its manifest names and its repository has or gets. */
  readonly named: ReadonlyMap<string, Present>;
}

/** What a batch of pushes has found. */
export interface Looked {
  readonly plain: readonly PlainPush[];
  readonly lacking: readonly { readonly push: ManifestPush; readonly missing: readonly string[] }[];
  /** By `repository.id` */
  readonly bases: ReadonlyMap<string, Base>;
  readonly taken: readonly Taken[];
}

/**
 * Reads in one flight all that decides what the pushes come to. Repositories come first: what is found
 * later than their rows is refused, should the rows have changed.
 */
export async function lookedAt(
  ctx: Ctx,
  domain: DomainRef,
  { pushes, memory }: { readonly pushes: readonly ManifestPush[]; readonly memory: PushMemory },
): Promise<Looked> {
  const asked = pushes.map(({ repository, facts }) => ({
    ...{ repository, digests: facts.references.map(({ digest }) => digest) },
  }));
  const repositories = [...new Set(pushes.map(({ repository }) => repository))];
  const [bases = [], present = [], taken = [], known = []] = await flights.send(ctx, [
    growth.baseSelect(domain, repositories),
    presentSelect(domain.num, asked),
    growth.slotSelect(domain, slotsOf(pushes)),
    knownSelect(
      domain,
      pushes.map(({ facts }) => facts.digest),
    ),
  ]);
  const isKnown = new Set((known as readonly { digest: string }[]).map(({ digest }) => digest));
  const there = presentOf(present, asked);
  const basesOf = growth.basesOf(ctx, bases);
  const plain: PlainPush[] = [];
  const lacking: Looked["lacking"][number][] = [];
  for (const [index, push] of pushes.entries()) {
    const named = there[index] ?? new Map<string, never>();
    const missing = missingBlobs(push.facts, named);
    if (missing.length > 0) lacking.push({ push, missing });
    else if (!isKnown.has(push.facts.digest) && basesOf.has(push.repository))
      plain.push({ push, named });
  }
  for (const [id, base] of basesOf) {
    const parts = plain.flatMap(({ push, named }) => (push.repository === id ? [...named] : []));
    const own = (taken as readonly Taken[]).filter(({ repository }) => repository === id);
    memory.see(base, { parts, slots: own });
  }
  return { plain, lacking, bases: basesOf, taken: taken as readonly Taken[] };
}

/** The slots of the tags that are given. */
export const slotsOf = (pushes: readonly ManifestPush[]) => {
  const slots = pushes.flatMap(({ repository, tags }) =>
    tags.map((name) => ({ repository, slot: slotOf(containerTag, { name, manifest: "" }) ?? "" })),
  );
  return [...new Map(slots.map((one) => [`${one.repository} ${one.slot}`, one])).values()];
};

/** Which manifests are in the domain already. */
const knownSelect = ({ num }: DomainRef, digests: readonly string[]) =>
  sql<{ digest: string }>`${sql.raw(PREPARE)}
    select m.digest from unnest(${digests}::text[]) as k (digest)
    cross join lateral (select digest from container_manifest
      where domain = ${num} and digest = k.digest offset 0) m`;

interface Found {
  readonly looked: Looked;
  /** By the digest of the manifest. */
  readonly configs: ReadonlyMap<string, ConfigFacts>;
}

/** What the plain pushes add to which repository. */
export function growthsOf(ctx: Ctx, domain: DomainRef, { looked, configs }: Found): Batch {
  const { plain } = looked;
  const manifests = flights.newUnits(ctx, {
    ...{ domain, type: containerManifest },
    units: plain.map(({ push: { facts } }) =>
      manifestUnit({ facts, config: configs.get(facts.digest) ?? NO_CONFIG }),
    ),
  });
  const pushes = plain.map(
    ({ push }, index): NewPush => ({
      ...{ push, manifest: manifests.ids[index] ?? "" },
    }),
  );
  const named = pushes.flatMap(({ push, manifest }) =>
    push.tags.map((name) => ({ name, manifest, repository: push.repository })),
  );
  const tags = flights.newUnits(ctx, {
    ...{ domain, type: containerTag, units: named.map(tagUnit) },
  });
  const pending = plain.flatMap(({ push: { repository }, named: parts }) =>
    [...parts.values()].flatMap(freshOf).map((one) => ({ repository, ...one })),
  );
  const members = [
    ...pending,
    ...pushes.map(({ push: { repository }, manifest: id }) => ({
      ...{ repository, id, type: containerManifest.type },
    })),
    ...named.map(({ repository }, index) => ({
      ...{ repository, id: tags.ids[index] ?? "", type: containerTag.type },
    })),
  ];
  const distinct = new Set(pending.map(({ repository, id }) => `${repository} ${id}`));
  return { pushes, manifests, tags, growths: grown(looked, members), pending: distinct.size };
}

/** A part that is no member yet. */
const freshOf = ({ id, kind, isPending }: Present): readonly Member[] => {
  const { type } = kind === "blob" ? containerBlob : containerManifest;
  return isPending ? [{ id, type }] : [];
};

/** Each unit once in each repository. */
function grown(
  { bases, taken }: Looked,
  members: readonly (Member & { readonly repository: string })[],
) {
  const byRepository = Map.groupBy(members, ({ repository }) => repository);
  return [...byRepository].flatMap(([repository, own]) => {
    const base = bases.get(repository);
    if (!base) return [];
    const add = [...new Map(own.map((one) => [one.id, one])).values()];
    const replaced = taken.filter((one) => one.repository === repository);
    return [growth.growthOf(base, { add, replaced })];
  });
}
