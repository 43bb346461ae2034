import type { DeclaredUnit } from "#sdk";
import { containerTag } from "../content.ts";
import type { ManifestFacts } from "../format/manifest.ts";
import { upstreamErrors } from "../upstream/errors.ts";
import { allTags } from "../upstream/tag-list.ts";
import { ManifestGraph } from "./graph.ts";
import { membersBelow, taggedMembers } from "./known.ts";
import type { MirrorSync } from "./mirror-sync.ts";
import { type Asked, askFor, type Wanted } from "./references.ts";
import { MirrorReferrers } from "./referrers.ts";
import { companionSubject, selectTags, type TagRules } from "./select.ts";
import { mirrorSettingsOf } from "./settings.ts";
import type { MirrorSignatures } from "./signatures.ts";
import { SignedOnly } from "./signed-only.ts";

/** References that are asked for together. */
const BATCH = 500;
/** Failures that the progress report names. */
const MOST_NAMED = 10;

export interface WalkOptions extends TagRules {
  readonly mirror: boolean;
  readonly signedOnly: boolean;
  /** Of the children of indexes, those for these machines; empty takes all. */
  readonly platforms: readonly string[];
}

interface Failure {
  readonly reference: string;
  readonly tag: string | null;
  readonly error: Error;
}

interface Found extends Wanted {
  readonly digest: string;
}

/** One pass over what a remote takes of an upstream repository. */
export class MirrorWalk {
  readonly #sync: MirrorSync;
  readonly #options: WalkOptions;
  readonly #graph: ManifestGraph;
  readonly #signatures: MirrorSignatures;
  readonly #referrers: MirrorReferrers;
  readonly #failures: Failure[] = [];
  #taken = 0;

  constructor(sync: MirrorSync, signatures: MirrorSignatures, options: WalkOptions) {
    this.#sync = sync;
    this.#options = options;
    this.#signatures = signatures;
    const admits =
      options.signedOnly && signatures.hasSource
        ? (digest: string) => signatures.isSigned(digest)
        : undefined;
    const { platforms } = options;
    this.#graph = new ManifestGraph(sync, { platforms, ...(admits ? { admits } : {}) });
    this.#referrers = new MirrorReferrers(sync);
  }

  /**
   * The units of what is selected that the version lacks.
   *
   * @throws why the tags cannot be listed, or `upstreamErrors.unreadable` if no image can be read.
   */
  async *units(): AsyncGenerator<readonly DeclaredUnit[]> {
    const all = await this.#tags();
    const { tags, digests, companions } = selectTags(all, this.#options);
    const wanted: Wanted[] = [
      ...tags.map((tag) => ({ reference: tag, tag })),
      ...digests.map((digest) => ({ reference: digest, tag: null })),
    ];
    const signedOnly =
      this.#options.signedOnly && !this.#signatures.hasSource
        ? new SignedOnly(this.#sync, all)
        : undefined;
    yield* this.#pass("Processing Manifests", wanted, signedOnly);
    this.#refuseEmptyHanded();
    if (companions.length > 0) yield* this.#companions(companions);
  }

  /** `content.id`s of manifests that are saved, to become members. */
  async *saved(): AsyncGenerator<readonly string[]> {
    yield* this.#graph.ids();
  }

  /** `content.id`s of what a mirror keeps without having looked at it again. */
  async *kept(): AsyncGenerator<readonly string[]> {
    if (!this.#options.mirror) return;
    const { job, version } = this.#sync;
    const { settled } = this.#graph;
    for (let at = 0; at < settled.length; at += BATCH)
      yield await membersBelow(job.ctx.db, version, settled.slice(at, at + BATCH));
    const names = this.#failures.flatMap(({ tag }) => (tag === null ? [] : [tag]));
    for (let at = 0; at < names.length; at += BATCH) {
      const found = await taggedMembers(job.ctx.db, version, names.slice(at, at + BATCH));
      const manifests = found.map(({ manifest }) => manifest);
      yield await membersBelow(job.ctx.db, version, manifests);
      yield found.map(({ tag }) => tag);
    }
  }

  /** Tells which references could not be mirrored. */
  async finish(): Promise<void> {
    if (this.#failures.length === 0) return;
    const named = this.#failures
      .slice(0, MOST_NAMED)
      .map(({ reference, error }) => `${reference}: ${error.message}`);
    await using report = this.#sync.job.progress({
      code: "sync.skipped.manifest",
      message: `Images That Could Not Be Read (${named.join("; ")})`,
      total: this.#failures.length,
    });
    report.add(this.#failures.length);
    await report.finish();
  }

  async #tags(): Promise<string[]> {
    const { job, remote, upstream } = this.#sync;
    await using report = job.progress({
      code: "sync.downloading.tag_list",
      message: "Downloading tag list",
      total: 1,
    });
    const tags = await allTags(remote, upstream.place, job.signal);
    report.add();
    await report.finish();
    return tags;
  }

  async *#pass(
    message: string,
    wanted: readonly Wanted[],
    signedOnly?: SignedOnly,
  ): AsyncGenerator<readonly DeclaredUnit[]> {
    await using report = this.#sync.job.progress({
      code: "sync.processing.manifest",
      message,
      total: wanted.length,
    });
    for (let at = 0; at < wanted.length; at += BATCH) {
      const batch = wanted.slice(at, at + BATCH);
      yield* this.#batch(batch, signedOnly);
      report.add(batch.length);
    }
    await report.finish();
  }

  async *#batch(
    batch: readonly Wanted[],
    signedOnly: SignedOnly | undefined,
  ): AsyncGenerator<readonly DeclaredUnit[]> {
    const found: Found[] = [];
    const given = new Map<string, ManifestFacts>();
    for (const answer of await askFor(this.#sync, batch)) {
      if (answer.kind === "failed") this.#fail(answer.wanted, answer.error);
      else if (await this.#isTaken(answer, signedOnly)) {
        found.push({ ...answer.wanted, digest: answer.digest });
        if (answer.facts) given.set(answer.digest, answer.facts);
      }
    }
    const digests = found.map(({ digest }) => digest);
    yield* this.#graph.bring(digests, given);
    yield found.flatMap((each) => this.#tagUnits(each));
    yield* this.#attached();
  }

  #tagUnits({ digest, tag, reference }: Found): DeclaredUnit[] {
    const id = this.#graph.id(digest);
    const problem = this.#graph.problem(digest);
    if (problem && !upstreamErrors.unsigned.is(problem)) this.#fail({ reference, tag }, problem);
    if (id === undefined) return [];
    this.#taken += 1;
    return tag === null
      ? []
      : [{ type: containerTag, row: { name: tag, manifest: id }, files: [] }];
  }

  /** Signatures of what was brought, and what refers to it, as long as that brings more. */
  async *#attached(): AsyncGenerator<readonly DeclaredUnit[]> {
    for (let fresh = this.#graph.takeFresh(); fresh.length > 0; fresh = this.#graph.takeFresh()) {
      const ids = new Map(fresh.map((digest) => [digest, this.#graph.id(digest) ?? ""]));
      yield await this.#signatures.units(ids);
      yield* this.#graph.bring(await this.#referrers.of(fresh));
    }
  }

  /** Companions of what was taken, and companions of companions. */
  async *#companions(all: readonly string[]): AsyncGenerator<readonly DeclaredUnit[]> {
    let left = all;
    for (;;) {
      const isDue = (tag: string): boolean =>
        this.#graph.id(companionSubject(tag) ?? "") !== undefined;
      const due = left.filter(isDue);
      if (due.length === 0) return;
      left = left.filter((tag) => !isDue(tag));
      const wanted = due.map((tag) => ({ reference: tag, tag }));
      yield* this.#pass("Processing Cosign Companion Tags", wanted);
    }
  }

  async #isTaken(
    { wanted, digest }: Extract<Asked, { kind: "found" }>,
    signedOnly: SignedOnly | undefined,
  ): Promise<boolean> {
    if (!signedOnly || (await signedOnly.admits(wanted.reference, digest))) return true;
    this.#sync.job.ctx.log.info(`${wanted.reference} is not signed and left out`);
    return false;
  }

  #fail({ reference, tag }: Wanted, error: Error): void {
    const { ctx } = this.#sync.job;
    if (!mirrorSettingsOf(ctx).CONTAINER_SYNC_SKIPS_BROKEN) throw error;
    ctx.log.warn(`${reference} is left out: ${error.message}`);
    this.#failures.push({ reference, tag, error });
  }

  /** An upstream that is down is not one where every image has a problem of its own. */
  #refuseEmptyHanded(): void {
    const [first] = this.#failures;
    if (first && this.#taken === 0)
      throw upstreamErrors.unreadable(first.reference, first.error.message);
  }
}
