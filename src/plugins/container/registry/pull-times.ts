import { type Ctx, sql } from "#sdk";
import type { Place } from "./places.ts";
import type { Answer } from "./visit.ts";

/** What is asked for between two writes and noted; what comes beyond is not. */
const MOST = 20_000;

interface Pull {
  /** `repository.num` */
  readonly repository: number;
  /** A tag or a digest. */
  readonly reference: string;
  readonly digest: string;
  readonly at: Date;
}

/**
 * When tags and manifests were asked for, told to the database together once in a while; a process
 * that dies loses what it has not told. A request costs a look into a set.
 */
export class PullTimes {
  readonly #ctx: Ctx;
  readonly #intervalMs: number;
  /** Answers that were noted since the last write: they are kept for a place and a reference. */
  #noted = new WeakSet<Answer>();
  /** What answers in memory are about, for those that are given again. */
  readonly #about = new WeakMap<Answer, { readonly place: Place; readonly reference: string }>();
  #pulls = new Map<string, Pull>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  /** @param intervalSeconds 0 notes nothing. */
  constructor(ctx: Ctx, intervalSeconds: number) {
    this.#ctx = ctx;
    this.#intervalMs = intervalSeconds * 1000;
  }

  note(answer: Answer, place: Place, reference: string): void {
    const { version } = place;
    if (this.#intervalMs === 0 || this.#noted.has(answer) || !version) return;
    this.#noted.add(answer);
    this.#about.set(answer, { place, reference });
    const key = `${version.repository} ${reference}`;
    if (this.#pulls.size >= MOST && !this.#pulls.has(key)) return;
    const digest = answer.validators.etag?.slice(1, -1) ?? "";
    const at = new Date(this.#ctx.clock.now());
    this.#pulls.set(key, { repository: version.repository, reference, digest, at });
    this.#timer ??= setTimeout(() => this.#begin(), this.#intervalMs).unref();
  }

  /** The same for an answer that was noted before; others are none of manifests. */
  noteAgain(answer: Answer): void {
    if (this.#noted.has(answer)) return;
    const about = this.#about.get(answer);
    if (about) this.note(answer, about.place, about.reference);
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.flush();
  }

  /** What cannot be written is lost: most of it is pulled again. */
  async flush(): Promise<void> {
    const pulls = [...this.#pulls.values()];
    this.#pulls = new Map();
    this.#noted = new WeakSet();
    if (pulls.length === 0) return;
    await record(this.#ctx, pulls).catch((error) =>
      this.#ctx.log.warn(`The times of ${pulls.length} pulls are lost: ${error}`),
    );
  }

  #begin(): void {
    this.#timer = undefined;
    this.#writing ??= this.flush().finally(() => {
      this.#writing = undefined;
    });
  }
}

/** Later times win; in one order everywhere, so that no two processes wait for each other. */
async function record({ db }: Ctx, pulls: readonly Pull[]): Promise<void> {
  await sql`
    insert into container_pull as p (repository, domain, content, pulled)
    select r.id, r.domain, u.id, max(w.at)
    from unnest(${pulls.map(({ repository }) => repository)}::int[],
      ${pulls.map(({ reference }) => reference)}::text[],
      ${pulls.map(({ digest }) => digest)}::text[],
      ${pulls.map(({ at }) => at)}::timestamptz[]) as w (repository, reference, digest, at)
    join repository r on r.num = w.repository
    join container_manifest c on c.domain = r.domain and c.digest = w.digest
    cross join lateral (
      select c.id
      union all
      select t.id from container_tag t
      where t.domain = r.domain and t.name = w.reference and t.manifest = c.id) u (id)
    group by r.id, r.domain, u.id
    order by r.id, u.id
    on conflict (repository, content) do update set pulled = excluded.pulled
      where p.pulled < excluded.pulled`.execute(db);
}
