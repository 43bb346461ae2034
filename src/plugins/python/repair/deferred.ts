import { type Job, openRemote, type RemoteSession, sql, type VersionRef } from "#sdk";
import { normalizeName } from "../format/names.ts";
import type { ProjectInfo } from "../format/project-info.ts";
import { indexRoot } from "../mirror/address.ts";
import { asTheyFinish } from "../mirror/as-they-finish.ts";
import { MetadataSource } from "../mirror/metadata-source.ts";
import { infoColumns, storable } from "../mirror/package-row.ts";
import { mostPageBytes } from "../mirror/settings.ts";
import { correct } from "./correct.ts";
import { membersOf, type Package, type Repaired } from "./members.ts";

/** As many as a sync saves at once, so that releases are rarely spread over batches. */
const BATCH = 2000;
/** Releases that remotes are asked about side by side. */
const AT_ONCE = 10;

/** Its name is normalised. */
interface Deferred extends Package {
  /** Lower-case hex. */
  readonly sha256: string;
  /** `remote.id` of those that have the file. */
  readonly remotes: readonly string[];
}

/**
 * Packages whose files are not here: for each release the remote that has most of its files is asked
 * for its metadata, and files are told apart by their SHA-256.
 */
export async function* repairDeferred(job: Job, version: VersionRef): AsyncGenerator<Repaired> {
  await using sources = new Sources(job);
  let after = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    job.signal.throwIfAborted();
    const { rows } = await sql<Deferred>`
      select p.id, p.name_normalized as name, p.version, p.filename, encode(p.sha256, 'hex') as sha256,
        array(select r.remote from remote_artifact r
          where r.content_artifact = ca.id order by r.id) as remotes
      ${membersOf(version)}
      join content_artifact ca on ca.content = p.id and ca.relative_path = p.filename
      where ca.artifact is null and m.content > ${after}
      order by m.content limit ${BATCH}`.execute(job.ctx.db);
    if (rows.length > 0) yield await repairBatch(job, sources, rows);
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) return;
    after = last.id;
  }
}

async function repairBatch(
  job: Job,
  sources: Sources,
  packages: readonly Deferred[],
): Promise<Repaired> {
  const releases = Map.groupBy(packages, ({ name, version }) => `${name}\n${version}`).values();
  const rows = new Map<string, ReturnType<typeof rowOf> & object>();
  const pool = { limit: AT_ONCE, signal: job.signal };
  const answers = asTheyFinish(releases, pool, async (release, signal) => ({
    release,
    told: await sources.release(release, signal),
  }));
  for await (const { release, told } of answers) {
    if (told === undefined) continue;
    for (const each of release) {
      const row = rowOf(each, told);
      if (row) rows.set(each.id, row);
    }
  }
  const changed = await correct(job, rows);
  const unread = packages.filter(({ id }) => !rows.has(id));
  return { read: rows.size, unread, changed, metadata: 0 };
}

/** Undefined for a file that upstream does not list any more. */
function rowOf({ sha256, name }: Deferred, { info, files }: ProjectInfo) {
  const file = files.get(sha256);
  if (!file) return undefined;
  const { requires_python: requiresPython, python_version: python, size } = file;
  return {
    ...infoColumns(info),
    requires_python: typeof requiresPython === "string" ? storable(requiresPython) : "",
    ...(typeof python === "string" ? { python_version: storable(python) } : {}),
    ...(Number.isSafeInteger(size) && Number(size) >= 0 ? { size } : {}),
    ...(typeof info.name === "string" && normalizeName(info.name) === name
      ? { name: info.name }
      : {}),
  };
}

/** The remotes of a version, each opened when it is needed first. */
class Sources implements AsyncDisposable {
  readonly #job: Job;
  readonly #opened = new Map<string, Promise<{ remote: RemoteSession; source: MetadataSource }>>();

  constructor(job: Job) {
    this.#job = job;
  }

  /** What the remote that has most of the files says about a release; undefined for nothing. */
  async release(
    release: readonly Deferred[],
    signal: AbortSignal,
  ): Promise<ProjectInfo | undefined> {
    const [first] = release;
    const remote = mostFrequent(release.flatMap(({ remotes }) => remotes));
    if (first === undefined || remote === undefined) return undefined;
    const { source } = await this.#source(remote);
    return source.release(first.name, first.version, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of await Promise.allSettled(this.#opened.values()))
      if (opened.status === "fulfilled") await opened.value.remote[Symbol.asyncDispose]();
  }

  #source(id: string) {
    const opened = this.#opened.get(id) ?? this.#open(id);
    this.#opened.set(id, opened);
    return opened;
  }

  async #open(id: string) {
    const { ctx, caller } = this.#job;
    const remote = await openRemote(ctx, caller.domain, id);
    const from = { remote, root: indexRoot(remote.url), maxBytes: mostPageBytes(ctx) };
    return { remote, source: new MetadataSource(ctx, from) };
  }
}

/** The text that occurs most often, of equals the first. */
function mostFrequent(texts: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].reduce<readonly [string, number] | undefined>(
    (best, each) => (best === undefined || each[1] > best[1] ? each : best),
    undefined,
  )?.[0];
}
