import { sql } from "#sdk";
import { attachedMembers } from "../../content-edits/removal.ts";
import { matchesAny } from "../../mirror/glob.ts";
import type { Trx } from "../../trx.ts";
import { immutableTags, keepingPattern } from "../immutable.ts";
import {
  companionTags,
  type GoingManifest,
  goingManifests,
  type Latest,
  milliseconds,
  untaggedManifests,
} from "./going.ts";
import { createSieve, type RetentionPolicy, type TagFacts } from "./policy.ts";

/** Tags, and untagged manifests, that one run removes; the next one goes on. */
const MOST_GOING = 20_000;
const PAGE = 2000;
/** Companions may have companions. */
const MOST_ROUNDS = 8;
const DAY_MS = 86_400_000;

export interface PlannedTag extends TagFacts {
  readonly digest: string;
  readonly reason: string;
}

export interface PlannedManifest extends GoingManifest {
  readonly reason: string;
}

/** What goes by a policy, and why. */
export interface RetentionPlan {
  readonly tags: readonly PlannedTag[];
  readonly manifests: readonly PlannedManifest[];
  /** `content.id`s of all that goes: tags, manifests, signatures, blobs. */
  readonly remove: readonly string[];
  /** Of these, what nobody named: it may be needed again by a push that is under way. */
  readonly parts: readonly string[];
  /** False if more would go than one run removes. */
  readonly isComplete: boolean;
}

export interface Planned {
  /** `repository.id` */
  readonly repository: string;
  readonly latest: Latest;
  readonly policy: RetentionPolicy;
  readonly nowMs: number;
}

/**
 * Works out what goes from the latest version, without a change. As many statements as pages of tags
 * and rounds of companions. Ask it while nobody changes the repository, if it is to be done.
 */
export async function planRetention(trx: Trx, planned: Planned): Promise<RetentionPlan> {
  const { latest, policy, nowMs } = planned;
  const isKept = await keptTags(trx, planned);
  const judged = await judgedTags(trx, planned, isKept);
  const days = policy.untaggedOlderThanDays;
  const before = new Date(nowMs - (days ?? 0) * DAY_MS);
  const untagged =
    days === null ? [] : await untaggedManifests(trx, latest, { before, most: MOST_GOING });
  const { tags, manifests } = await withCompanions(trx, latest, {
    tags: judged,
    ...{ untagged, isKept },
  });
  const ids = manifests.map(({ id }) => id);
  const rest = await attachedMembers(trx, latest, { manifests: ids, blobs: [] });
  const named = new Set([...tags.map(({ id }) => id), ...tags.map(({ manifest }) => manifest)]);
  const remove = [...new Set([...tags.map(({ id }) => id), ...ids, ...rest])];
  const why = reasonsOf(tags, untagged, days);
  return {
    tags,
    manifests: manifests.map((one) => ({ ...one, reason: why(one.id) })),
    remove,
    parts: remove.filter((id) => !named.has(id)),
    isComplete: judged.length < MOST_GOING && untagged.length < MOST_GOING,
  };
}

interface JudgedTag extends PlannedTag {
  /** `content.id` of the tag, and of what it names. */
  readonly id: string;
  readonly manifest: string;
}

/** Tags that the policy keeps, or that are immutable. */
async function keptTags(trx: Trx, { repository, policy }: Planned) {
  const rule = await immutableTags(trx, { id: repository });
  return (tag: string): boolean =>
    matchesAny(policy.keep, tag) || keepingPattern(rule, tag) !== undefined;
}

/** Every tag is looked at, a page of them at a time, newest first. */
async function judgedTags(
  trx: Trx,
  { repository, latest, policy, nowMs }: Planned,
  isKept: (tag: string) => boolean,
): Promise<readonly JudgedTag[]> {
  if (policy.rules.length === 0) return [];
  const sieve = createSieve(policy, { nowMs, isKept });
  const going: JudgedTag[] = [];
  await sql`
    declare retention_tags no scroll cursor for
    select t.id, t.name, t.manifest, c.digest, ${milliseconds("m.at")} as "addedMs",
      (select ${milliseconds("max(p.pulled)")} from container_pull p
        where p.repository = ${sql.lit(repository)}::uuid
          and p.content in (t.id, t.manifest)) as "pulledMs"
    from membership m
    join container_tag t on t.domain = m.domain and t.id = m.content
    join container_manifest c on c.domain = t.domain and c.id = t.manifest
    where m.repository = ${sql.lit(latest.repository)} and m.removed = 2147483647
    order by m.at desc, t.name`.execute(trx);
  for (;;) {
    const { rows } = await sql<Omit<JudgedTag, "reason">>`
      fetch ${sql.lit(PAGE)} from retention_tags`.execute(trx);
    for (const tag of rows) {
      const reason = sieve(tag);
      if (reason !== undefined && going.length < MOST_GOING) going.push({ ...tag, reason });
    }
    if (rows.length < PAGE) break;
  }
  await sql`close retention_tags`.execute(trx);
  return going;
}

interface Seeds {
  readonly tags: readonly JudgedTag[];
  /** `content.id`s */
  readonly untagged: readonly string[];
  readonly isKept: (tag: string) => boolean;
}

interface Going {
  readonly tags: readonly JudgedTag[];
  readonly manifests: readonly GoingManifest[];
}

/** Companions go with what they are about, and what they name goes with them. */
async function withCompanions(
  trx: Trx,
  latest: Latest,
  { tags: judged, untagged, isKept }: Seeds,
): Promise<Going> {
  const tags = new Map(judged.map((tag) => [tag.id, tag]));
  for (let round = 1; ; round += 1) {
    const seeds = [...new Set([...tags.values()].map(({ manifest }) => manifest)), ...untagged];
    const manifests = await goingManifests(trx, latest, { seeds, tags: [...tags.keys()] });
    const digests = manifests.map(({ digest }) => digest);
    const companions = digests.length === 0 ? [] : await companionTags(trx, latest, digests);
    const fresh = companions.filter(({ id, name }) => !tags.has(id) && !isKept(name));
    if (fresh.length === 0 || round === MOST_ROUNDS) return { tags: [...tags.values()], manifests };
    for (const tag of fresh) tags.set(tag.id, { ...tag, reason: "about an image that goes" });
  }
}

function reasonsOf(
  tags: readonly JudgedTag[],
  untagged: readonly string[],
  days: number | null,
): (manifest: string) => string {
  const named = new Set(tags.map(({ manifest }) => manifest));
  const old = new Set(untagged);
  return (manifest) => {
    if (named.has(manifest)) return "only tags that go name it";
    if (old.has(manifest)) return `untagged, and neither pushed nor pulled for ${days} days`;
    return "only what goes needs it";
  };
}
