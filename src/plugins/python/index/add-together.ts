import { PREPARE } from "#base/prepare.ts";
import { type Caller, type Ctx, type DomainRef, flights, growth, placement, sql } from "#sdk";
import { pythonPackage } from "../content.ts";
import type { PackageUnit } from "../ingest.ts";
import { addUpload } from "./upload-tasks.ts";

/** A file that came, and where it goes. */
export interface Upload {
  readonly caller: Caller;
  /** `repository.id` */
  readonly repository: string;
}

export type PlacedFile = Parameters<typeof placement.insert>[1][number];

/** What is still missing of it: the rows. */
export interface PlacedUpload extends Upload {
  readonly sha256: string;
  readonly slot: string;
  /** The file, and its metadata beside it unless the domain has them. */
  readonly placed: readonly PlacedFile[];
  /** @param artifacts `artifact.id` by digest */
  unit(artifacts: ReadonlyMap<string, string>): PackageUnit;
}

/** `retains`: its repository keeps only so many versions, which follows from this upload. */
type Outcome = { readonly task: string; readonly retains: boolean } | undefined;

/**
 * Uploads that come at the same time, in two flights: one that looks, and one that writes if all is as
 * it was seen. Those that are not plain, or lose a race, get no outcome, and nothing of them is done.
 */
export const addTogether = flights.together<PlacedUpload, Outcome>(async (ctx, uploads) => {
  const outcomes = new Map<PlacedUpload, Outcome>();
  for (const ofDomain of Map.groupBy(uploads, ({ caller }) => caller.domain.num).values()) {
    for (const [upload, outcome] of await addToDomain(ctx, withoutRivals(ofDomain)))
      outcomes.set(upload, outcome);
  }
  return uploads.map((upload) => outcomes.get(upload));
});

/** Of those that bring the same bytes or want the same name the first. */
function withoutRivals(uploads: readonly PlacedUpload[]): readonly PlacedUpload[] {
  const taken = new Set<string>();
  return uploads.filter(({ repository, slot, sha256 }) => {
    const keys = [`${repository} ${slot}`, sha256];
    const isFree = keys.every((key) => !taken.has(key));
    if (isFree) for (const key of keys) taken.add(key);
    return isFree;
  });
}

type Outcomes = ReadonlyMap<PlacedUpload, Outcome>;

async function addToDomain(ctx: Ctx, uploads: readonly PlacedUpload[]): Promise<Outcomes> {
  const [first] = uploads;
  if (!first) return new Map();
  const { domain } = first.caller;
  const repositories = [...new Set(uploads.map(({ repository }) => repository))];
  const [bases = [], taken = [], known = [], ruled = []] = await flights.send(ctx, [
    growth.baseSelect(domain, repositories),
    growth.slotSelect(domain, uploads),
    knownSelect(
      domain,
      uploads.map(({ sha256 }) => sha256),
    ),
    ruledSelect(repositories),
  ]);
  const basesOf = growth.basesOf(ctx, bases, { seesToType: true });
  const isRuled = new Set((ruled as readonly { id: string }[]).map(({ id }) => id));
  const isKnown = new Set((known as readonly { sha256: string }[]).map(({ sha256 }) => sha256));
  const isTaken = new Set(
    (taken as readonly { repository: string; slot: string }[]).map(
      ({ repository, slot }) => `${repository} ${slot}`,
    ),
  );
  const plain = uploads.filter(
    ({ repository, slot, sha256 }) =>
      basesOf.has(repository) &&
      !isRuled.has(repository) &&
      !isKnown.has(sha256) &&
      !isTaken.has(`${repository} ${slot}`),
  );
  return plain.length > 0 ? write(ctx, domain, { plain, bases: basesOf }) : new Map();
}

interface Plain {
  readonly plain: readonly PlacedUpload[];
  readonly bases: ReturnType<typeof growth.basesOf>;
}

/** Nothing where somebody else was faster. */
async function write(ctx: Ctx, domain: DomainRef, { plain, bases }: Plain): Promise<Outcomes> {
  const placed = plain.flatMap((one) => one.placed);
  const artifacts = placement.insert(domain, placed);
  if (!artifacts) return new Map();
  const units = flights.newUnits(ctx, {
    ...{ domain, type: pythonPackage, units: plain.map((one) => one.unit(artifacts.ids)) },
  });
  const growths = growthsOf({ plain, bases }, units.ids);
  const done = doneBy(ctx, plain, { growths, ids: units.ids });
  const tasks = flights.doneTasks({ name: addUpload.name, done });
  const before = [
    growth.lock(domain, growths),
    stillUnruled(growths.map(({ repository }) => repository.id)),
    artifacts.statement,
    ...units.statements,
    growth.moveMembers(domain, growths),
  ];
  const shown = growth.publish(domain, growths);
  const rows = await flights.attempt(ctx, [...before, shown, tasks.statement]);
  if (!rows) return new Map();
  await flights.giveDone(ctx, ctx.db, { name: addUpload.name, done, ids: tasks.ids });
  growth.announce(ctx, domain, rows[before.length] ?? []);
  const retaining = growth.retainedBy(growths);
  return new Map(
    plain.map((one, index) => [
      one,
      { task: tasks.ids[index] ?? "", retains: retaining.delete(one.repository) },
    ]),
  );
}

type Growth = ReturnType<typeof growth.growthOf>;

/** @param ids `content.id` of each upload. */
function growthsOf({ plain, bases }: Plain, ids: readonly string[]): readonly Growth[] {
  const byRepository = Map.groupBy(plain.entries(), ([, { repository }]) => repository);
  return [...byRepository].flatMap(([repository, own]) => {
    const base = bases.get(repository);
    const add = own.map(([index]) => ({ id: ids[index] ?? "", type: pythonPackage.type }));
    return base ? [growth.growthOf(base, { add, replaced: [] })] : [];
  });
}

interface Made {
  readonly growths: readonly Growth[];
  /** `content.id` of each upload. */
  readonly ids: readonly string[];
}

/** The task of each upload. Clients take what it created by its place (plugin-python §2.4). */
function doneBy(ctx: Ctx, plain: readonly PlacedUpload[], { growths, ids }: Made) {
  const versions = new Map(
    growths.map((one) => [one.repository.id, growth.createdBy(ctx, one)] as const),
  );
  return plain.map(({ caller, repository }, index) => {
    const unit = createdUnit(ids[index] ?? "");
    const version = versions.get(repository);
    return { caller, created: version ? [unit, version] : [unit] };
  });
}

const createdUnit = (id: string) => ({
  ...{ model: pythonPackage.model, object: id, path: `${pythonPackage.path}/${id}/` },
});

/** Which files the domain has, under whatever name. */
const knownSelect = ({ num }: DomainRef, digests: readonly string[]) =>
  sql<{ sha256: string }>`${sql.raw(PREPARE)}
    select k.sha256 from unnest(${digests}::text[]) as k (sha256)
    cross join lateral (select from python_package
      where domain = ${num} and sha256 = decode(k.sha256, 'hex') limit 1 offset 0) p`;

/** Repositories whose versions are more than what is put in (plugin-python §7): not for this way. */
const ruled = (ids: readonly string[]) => sql`
  select r.id from unnest(${ids}::uuid[]) as k (id)
  cross join lateral (select id from python_repository where id = k.id and (autopublish
    or exists (select from python_blocklist_entry b where b.repository = k.id)) offset 0) r`;

const ruledSelect = (ids: readonly string[]) =>
  sql<{ id: string }>`${sql.raw(PREPARE)} ${ruled(ids)}`;

const stillUnruled = (ids: readonly string[]) =>
  sql`${sql.raw(PREPARE)} select ${flights.checked(sql<boolean>`not exists (${ruled(ids)})`)}`;
