import { growth } from "#sdk";
import { containerTag } from "../content.ts";
import { missingBlobs } from "./manifest-rules.ts";
import { type Looked, slotsOf } from "./push-look.ts";
import type { PushMemory } from "./push-memory.ts";
import type { Batch, ManifestPush } from "./pushed.ts";

/**
 * What looking would find, by what is remembered; undefined where something has to be looked for. Each
 * part counts, whether its manifest needs it or not: what is present goes into the version. A tag that
 * nobody has seen is most likely new.
 */
export function recalled(memory: PushMemory, pushes: readonly ManifestPush[]): Looked | undefined {
  const seen = new Map(pushes.map(({ repository }) => [repository, memory.of(repository)]));
  const bases = [...seen].flatMap(([id, known]) => (known ? [[id, known.base] as const] : []));
  if (bases.length < seen.size) return undefined;
  const plain: Looked["plain"][number][] = [];
  for (const push of pushes) {
    const parts = seen.get(push.repository)?.parts;
    const named = new Map(
      push.facts.references.flatMap(({ digest }) => {
        const part = parts?.get(digest);
        return part ? [[digest, part] as const] : [];
      }),
    );
    const areAllKnown = push.facts.references.every(({ digest }) => named.has(digest));
    const isNew = !parts?.has(push.facts.digest);
    if (!areAllKnown || !isNew || missingBlobs(push.facts, named).length > 0) return undefined;
    plain.push({ push, named });
  }
  const taken = slotsOf(pushes).flatMap(
    ({ repository, slot }) => seen.get(repository)?.slots.get(slot) ?? [],
  );
  return { plain, lacking: [], bases: new Map(bases), taken };
}

/** What a batch that was written has made of its repositories. */
export function rememberGrown(memory: PushMemory, { looked, batch, rowVersion }: Grown): void {
  const ids = new Map(batch.pushes.map(({ push, manifest }) => [push, manifest]));
  const byRepository = Map.groupBy(looked.plain, ({ push }) => push.repository);
  for (const one of batch.growths) {
    const own = byRepository.get(one.repository.id) ?? [];
    const manifests = own.map(({ push }) => {
      const id = ids.get(push) ?? "";
      return [push.facts.digest, { id, kind: "manifest", isPending: false }] as const;
    });
    const members = own.flatMap(({ named }) =>
      [...named].map(([digest, part]) => [digest, { ...part, isPending: false }] as const),
    );
    const slots = slotsOf(own.map(({ push }) => push)).map((slot) => ({
      ...slot,
      type: containerTag.type,
    }));
    memory.grow(growth.grown(one, rowVersion), { parts: [...members, ...manifests], slots });
  }
}

interface Grown {
  readonly looked: Looked;
  readonly batch: Batch;
  /** Of the rows of all repositories that have grown. */
  readonly rowVersion: string;
}
