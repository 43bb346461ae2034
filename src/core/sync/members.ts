import { saveUnits } from "../content/commands.ts";
import type { UnitInput } from "../content/types.ts";
import type { ContentType, Job, Progress } from "../plugin-contract.ts";
import { addMembers } from "../repositories/commands.ts";
import type { OpenDraft } from "../repositories/types.ts";

/**
 * One set of statements (data-model §18, 16). Two are in memory at a time: of twice the size they
 * took a sync of 300 000 files over 200 MB.
 */
export const UNITS_PER_BATCH = 1000;

interface Member {
  readonly type: ContentType;
  readonly unit: UnitInput;
}

/** Saves units and adds them to the draft, batch after batch: one is saved while the next fills. */
export class SyncMembers implements AsyncDisposable {
  readonly #job: Job;
  readonly #draft: OpenDraft;
  readonly #progress: Progress;
  #pending: Member[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(job: Job, draft: OpenDraft, progress: Progress) {
    this.#job = job;
    this.#draft = draft;
    this.#progress = progress;
  }

  /**
   * Resolves at once, or with a full batch when the one before it is saved: what comes next is read
   * while a batch is saved, and no more than the two are held.
   */
  async add(type: ContentType, unit: UnitInput): Promise<void> {
    this.#pending.push({ type, unit });
    if (this.#pending.length < UNITS_PER_BATCH) return;
    await this.#last;
    // Of those who waited together the first one begins.
    if (this.#pending.length >= UNITS_PER_BATCH) this.#begin();
  }

  /** Lets members stay that nobody declares again; those that are gone meanwhile stay gone. */
  async keep(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await addMembers(this.#job.ctx, this.#draft, ids);
  }

  /** Adds units that are saved already. */
  async join(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const { added, missing } = await addMembers(this.#job.ctx, this.#draft, ids);
    this.#progress.add(added);
    if (missing.length > 0)
      throw new Error(`${missing.length} units vanished before they were added.`);
  }

  /** Saves what is pending, after what is being saved. */
  flush(): Promise<void> {
    this.#begin();
    return this.#last;
  }

  /** Waits for what is being saved, so that nothing joins a draft that is given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last.catch(() => undefined);
  }

  #begin(): void {
    const batch = this.#pending.splice(0);
    this.#last = this.#last.then(() => this.#saveBatch(batch));
    // Whoever adds or flushes next hears of a failure; until then nobody listens.
    this.#last.catch(() => undefined);
  }

  async #saveBatch(batch: readonly Member[]): Promise<void> {
    for (const [type, members] of Map.groupBy(batch, (member) => member.type))
      await this.#save(
        type,
        members.map(({ unit }) => unit),
      );
  }

  async #save(type: ContentType, units: readonly UnitInput[]): Promise<void> {
    const { ctx, caller } = this.#job;
    const saved = await saveUnits(ctx, { domain: caller.domain, type, units });
    const added = await addMembers(ctx, this.#draft, [...new Set(saved.map(({ id }) => id))]);
    this.#progress.add(added.added);
    if (added.missing.length === 0) return;
    const gone = new Set(added.missing);
    await this.#saveAgain(
      type,
      units.filter((_unit, index) => gone.has(saved[index]?.id ?? "")),
    );
  }

  /** An orphan clean-up took them between both steps; now they are fresh, so it does not again. */
  async #saveAgain(type: ContentType, units: readonly UnitInput[]): Promise<void> {
    const { ctx, caller } = this.#job;
    const saved = await saveUnits(ctx, { domain: caller.domain, type, units });
    const added = await addMembers(
      ctx,
      this.#draft,
      saved.map(({ id }) => id),
    );
    this.#progress.add(added.added);
    if (added.missing.length > 0)
      throw new Error(`${added.missing.length} units vanished while they were being added.`);
  }
}
