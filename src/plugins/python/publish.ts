import { once } from "node:events";
import type { Ctx, Executor, Job, PublicationRef, VersionRef } from "#sdk";
import { publications, saveArtifacts, sql } from "#sdk";
import { fileLink, PAGE_END, projectLink, projectStart, rootStart } from "./published-pages.ts";

const ROWS = 2000;
/** Pages that are written before they are saved together; each holds an open file. */
const PAGES = 100;

/**
 * Publishes a version (plugin-python §10.1): every file at its own name, and the pages of the index.
 * Nobody sees the publication before it is complete; a failure leaves none.
 */
export async function publishVersion(job: Job, version: VersionRef): Promise<PublicationRef> {
  const { ctx, caller } = job;
  const publication = await publications.create(job, {
    domain: caller.domain,
    type: "python.python",
    version: version.id,
    layout: "pass_through",
  });
  try {
    await writePages(job, version, publication);
    await publications.complete(job, publication);
  } catch (error) {
    await publications.delete(ctx, caller.domain, publication.id);
    throw error;
  }
  return publication;
}

interface MemberRow {
  readonly name_normalized: string;
  readonly name: string;
  readonly filename: string;
  readonly sha256: string;
}

async function writePages(
  job: Job,
  version: VersionRef,
  publication: PublicationRef,
): Promise<void> {
  const { ctx, signal } = job;
  await using pages = new Pages(job, publication);
  const root = await pages.begin("simple/index.html", rootStart());
  await ctx.db.transaction().execute(async (trx) => {
    await sql`declare members no scroll cursor for ${membersOf(version)}`.execute(trx);
    let project: { readonly normalized: string; readonly page: Page } | undefined;
    for await (const row of fetched(trx)) {
      if (project?.normalized !== row.name_normalized) {
        signal.throwIfAborted();
        if (project) await pages.end(project.page);
        const normalized = row.name_normalized;
        await root.write(projectLink({ normalized, name: row.name }));
        const path = `simple/${normalized}/index.html`;
        project = { normalized, page: await pages.begin(path, projectStart(normalized)) };
      }
      await project.page.write(fileLink(row));
    }
    if (project) await pages.end(project.page);
  });
  await pages.end(root);
  await pages.save();
}

type File = Awaited<ReturnType<ReturnType<Ctx["storage"]>["beginFile"]>>;

/** One page under way: text goes to the store as it comes. */
class Page {
  readonly path: string;
  readonly file: File;
  readonly #signal: AbortSignal;

  constructor(path: string, file: File, signal: AbortSignal) {
    this.path = path;
    this.file = file;
    this.#signal = signal;
  }

  async write(text: string): Promise<void> {
    if (!this.file.sink.write(text)) await once(this.file.sink, "drain", { signal: this.#signal });
  }
}

/** Pages of a publication; those that are written become paths of it, a hundred together. */
class Pages implements AsyncDisposable {
  readonly #job: Job;
  readonly #publication: PublicationRef;
  readonly #open = new Set<Page>();
  #written: Page[] = [];

  constructor(job: Job, publication: PublicationRef) {
    this.#job = job;
    this.#publication = publication;
  }

  async begin(path: string, text: string): Promise<Page> {
    const { ctx, caller, signal } = this.#job;
    const page = new Page(path, await ctx.storage(caller.domain).beginFile(), signal);
    this.#open.add(page);
    await page.write(text);
    return page;
  }

  async end(page: Page): Promise<void> {
    await page.write(PAGE_END);
    this.#written.push(page);
    if (this.#written.length >= PAGES) await this.save();
  }

  /** Saves what is written. */
  async save(): Promise<void> {
    const { ctx, caller } = this.#job;
    const pages = this.#written.splice(0);
    const files = [];
    for (const { file } of pages) files.push({ file, sealed: await file.seal() });
    const saved = await saveArtifacts(ctx, caller.domain, files);
    const paths = pages.flatMap(({ path }, index) => {
      const artifact = saved[index]?.id;
      return artifact === undefined ? [] : [{ relativePath: path, artifact }];
    });
    await publications.addPaths(ctx, this.#publication, paths);
    for (const page of pages) await this.#drop(page);
  }

  async #drop(page: Page): Promise<void> {
    this.#open.delete(page);
    await page.file[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const page of [...this.#open]) await this.#drop(page);
  }
}

async function* fetched(trx: Executor): AsyncGenerator<MemberRow> {
  for (;;) {
    const { rows } = await sql<MemberRow>`fetch ${sql.lit(ROWS)} from members`.execute(trx);
    yield* rows;
    if (rows.length < ROWS) return;
  }
}

/** A cursor takes no parameters where it is declared, hence literals: numbers of ours only. */
const membersOf = ({ number, repository }: VersionRef) => sql`
  select p.name_normalized, p.name, p.filename, encode(p.sha256, 'hex') as sha256
  from membership m
  join python_package p on p.domain = m.domain and p.id = m.content
  where m.repository = ${sql.lit(repository.num)} and m.domain = ${sql.lit(repository.domain)}
    and m.added <= ${sql.lit(number)} and m.removed > ${sql.lit(number)}
  order by p.name_normalized, p.filename`;
