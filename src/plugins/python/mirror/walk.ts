import type { DeclaredUnit } from "#sdk";
import { asTheyFinish } from "./as-they-finish.ts";
import { mirrorErrors } from "./errors.ts";
import { includedNames } from "./options.ts";
import { type Outcome, type ProjectReader, projectOutcome, type WantedProject } from "./project.ts";
import { allProjects, type ListedName } from "./project-list.ts";
import { membersOfProjects } from "./queries.ts";
import { rulesOf } from "./rules.ts";
import { mostListBytes } from "./settings.ts";
import {
  forgetProjects,
  keepProjects,
  type NamedState,
  rememberedStates,
  rememberProjects,
} from "./state.ts";

/** Projects whose memory is read, and pages that are remembered, at once. */
const BATCH = 500;
/** Failures that the progress report names. */
const MOST_NAMED = 10;

export interface WalkOptions {
  /** `repository.id` */
  readonly repository: string;
  readonly mirror: boolean;
  /** Projects that are remembered; 0 asks for every page. */
  readonly known: number;
}

/** One pass over the projects of an upstream. */
export class MirrorWalk {
  readonly #reader: ProjectReader;
  readonly #options: WalkOptions;
  /** Projects that keep what the repository has of them. */
  readonly #kept: string[] = [];
  readonly #failed: Extract<Outcome, { kind: "failed" }>[] = [];
  #gone: string[] = [];
  #states: NamedState[] = [];
  /** Of the kept ones, those that were remembered. */
  #keptKnown = 0;
  readonly #read: string[] = [];

  constructor(reader: ProjectReader, options: WalkOptions) {
    this.#reader = reader;
    this.#options = options;
  }

  /** Whether a mirror has to drop something though nothing was read: a project is gone. */
  get isLost(): boolean {
    const { mirror, known } = this.#options;
    return mirror && (known === 0 || this.#keptKnown !== known);
  }

  /**
   * The units of the projects that changed.
   *
   * @throws why the list of projects cannot be had, or `mirrorErrors.unreadable` if no project can.
   */
  async *units(): AsyncGenerator<readonly DeclaredUnit[]> {
    const { job, remote } = this.#reader;
    await using report = job.progress({
      code: "sync.fetching.project",
      message: "Fetching Project Metadata",
    });
    const projects = await this.#projects();
    report.setTotal(projects.length);
    const pool = { limit: remote.concurrency, signal: job.signal };
    const outcomes = asTheyFinish(this.#wanted(projects), pool, (project, signal) =>
      projectOutcome(this.#reader, project, signal),
    );
    for await (const outcome of outcomes) {
      report.add();
      this.#note(outcome);
      if (outcome.kind !== "read") continue;
      if (outcome.units.length > 0) yield outcome.units;
      this.#states.push(outcome.state);
      if (this.#states.length >= BATCH) await this.#remember();
    }
    this.#refuseEmptyHanded();
    await report.finish();
  }

  /** `content.id` of what a mirror keeps without having read it again. */
  async *kept(): AsyncGenerator<readonly string[]> {
    if (!this.#options.mirror) return;
    const { job } = this.#reader;
    const { repository } = this.#options;
    const whose = { domain: job.caller.domain, repository };
    yield* membersOfProjects(job.ctx.db, whose, this.#kept);
  }

  /** Remembers what is left, and tells which projects could not be read. */
  async finish(): Promise<void> {
    const { job } = this.#reader;
    await this.#remember();
    const { db } = job.ctx;
    const { repository } = this.#options;
    await forgetProjects(db, repository, this.#gone);
    if (this.isLost) await keepProjects(db, repository, [...this.#kept, ...this.#read]);
    if (this.#failed.length === 0) return;
    const named = this.#failed
      .slice(0, MOST_NAMED)
      .map(({ name, error }) => `${name}: ${error.message}`);
    await using report = job.progress({
      code: "sync.skipped.project",
      message: `Projects That Could Not Be Read (${named.join("; ")})`,
      total: this.#failed.length,
    });
    report.add(this.#failed.length);
    await report.finish();
  }

  async #projects(): Promise<readonly ListedName[]> {
    const { job, remote, root, options } = this.#reader;
    const maxBytes = mostListBytes(job.ctx);
    const included = includedNames(options).map((name) => ({ name, lastSerial: null }));
    const listed =
      included.length > 0
        ? included
        : await allProjects(remote, root, { signal: job.signal, maxBytes });
    return listed.filter(({ name }) => !rulesOf(options, name).isOut);
  }

  async *#wanted(projects: readonly ListedName[]): AsyncGenerator<WantedProject> {
    const { db } = this.#reader.job.ctx;
    for (let at = 0; at < projects.length; at += BATCH) {
      const batch = projects.slice(at, at + BATCH);
      const names = batch.map(({ name }) => name);
      const states =
        this.#options.known === 0
          ? new Map()
          : await rememberedStates(db, this.#options.repository, names);
      for (const project of batch) yield { ...project, before: states.get(project.name) };
    }
  }

  #note(outcome: Outcome): void {
    const { log } = this.#reader.job.ctx;
    switch (outcome.kind) {
      case "same":
        this.#keep(outcome);
        break;
      case "gone":
        this.#gone.push(outcome.name);
        log.info(`The upstream has no project ${outcome.name}; it is left out`);
        break;
      case "failed":
        this.#failed.push(outcome);
        this.#keep(outcome);
        log.warn(`The project ${outcome.name} is left out: ${outcome.error.message}`);
        break;
      case "read":
        this.#read.push(outcome.name);
        break;
      default:
        outcome satisfies never;
    }
  }

  #keep({ name, isKnown }: { readonly name: string; readonly isKnown: boolean }): void {
    this.#kept.push(name);
    if (isKnown) this.#keptKnown += 1;
  }

  /** An upstream that is down is not one where every project has a problem of its own. */
  #refuseEmptyHanded(): void {
    const [first] = this.#failed;
    if (
      first &&
      this.#kept.length === this.#failed.length &&
      this.#read.length + this.#gone.length === 0
    )
      throw mirrorErrors.unreadable(first.name, first.error.message);
  }

  async #remember(): Promise<void> {
    const { job } = this.#reader;
    await rememberProjects(job.ctx.db, this.#options.repository, this.#states);
    this.#states = [];
  }
}
