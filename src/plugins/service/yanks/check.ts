import type { Json } from "#base/json.ts";
import { mapBounded } from "#base/parallel.ts";
import { advisories, type Ctx, type Job } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { yankErrors } from "./errors.ts";
import { PYTHON, type Watched } from "./monitors-table.ts";
import { projectKey } from "./pep440.ts";
import type { YankReport } from "./reports-table.ts";
import { type Yanks, yanksIn } from "./rules.ts";

const MOST_RELEASES = 1_000_000;
/** Documents of projects with thousands of files have some megabytes. */
const MOST_DOCUMENT = 32 * 1024 * 1024;
/** So many failures in a row, and the index is away: the rest is not asked for. */
const PATIENCE = 100;
/** Packages that the report names as unknown. */
const MOST_ERRORS = 1000;

/**
 * Asks the public index about every project of what a monitor watches (service §8.3).
 *
 * @throws `yankErrors.tooMany`
 */
export async function checkYanks(
  { ctx, signal, progress }: Pick<Job, "ctx" | "signal" | "progress">,
  watched: Watched,
): Promise<YankReport> {
  const projects = await projectsOf(ctx, watched);
  const { PYPI_JSON_URL: url, PYPI_JSON_CONCURRENCY: concurrency } = serviceSettingsOf(ctx);
  await using service = advisories.service(ctx, {
    ...{ url, concurrency, signal, mostBytes: MOST_DOCUMENT },
    timeoutMs: serviceSettingsOf(ctx).PYPI_JSON_TIMEOUT * 1000,
  });
  await using shown = progress({
    code: "check.yanks",
    message: "Checking packages",
    total: projects.size,
  });
  const inquiry = new Inquiry((path) => service.ask({ path }), signal);
  await mapBounded([...projects], concurrency, async ([name, versions]) => {
    await inquiry.about(name, versions);
    shown.add();
  });
  await shown.finish();
  return { repository_name: watched.repository.name, ...inquiry.report() };
}

/** Versions by name of the project. */
async function projectsOf(
  ctx: Ctx,
  { domain, repository, version }: Watched,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const projects = new Map<string, Set<string>>();
  const held = { domain: domain.num, repository: repository.num, number: version };
  let count = 0;
  for (const type of advisories.releaseTypes(ctx, PYTHON.type)) {
    for await (const page of advisories.releasePages(ctx, held, type)) {
      for (const release of page) {
        const name = projectKey(release.name);
        const versions = projects.get(name) ?? new Set();
        if (!versions.has(release.version)) count += 1;
        projects.set(name, versions.add(release.version));
      }
      if (count > MOST_RELEASES) throw yankErrors.tooMany(MOST_RELEASES);
    }
  }
  return projects;
}

/** What one check has found out. */
class Inquiry {
  readonly #ask: (path: string) => Promise<Json | undefined>;
  readonly #signal: AbortSignal;
  readonly #yanked = new Map<string, { readonly yanked_reason: string | null }>();
  readonly #errors = new Map<string, string>();
  #failures = 0;

  constructor(ask: (path: string) => Promise<Json | undefined>, signal: AbortSignal) {
    this.#ask = ask;
    this.#signal = signal;
  }

  async about(name: string, versions: ReadonlySet<string>): Promise<void> {
    if (this.#failures >= PATIENCE) return this.#fail(name, "The index is away.");
    try {
      for (const [version, yanked_reason] of await this.#yanksOf(name, versions))
        this.#yanked.set(`${name}==${version}`, { yanked_reason });
      this.#failures = 0;
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#failures += 1;
      this.#fail(name, error instanceof Error ? error.message : String(error));
    }
  }

  report(): Pick<YankReport, "report" | "errors"> {
    const { fromEntries } = Object;
    return { report: fromEntries(this.#yanked), errors: fromEntries(this.#errors) };
  }

  /** What the index has never heard of is not yanked. */
  async #yanksOf(name: string, versions: ReadonlySet<string>): Promise<Yanks> {
    const document = await this.#ask(`pypi/${encodeURIComponent(name)}/json`);
    return document === undefined ? new Map() : yanksIn(document, versions);
  }

  #fail(name: string, reason: string): void {
    if (this.#errors.size < MOST_ERRORS) this.#errors.set(name, reason);
  }
}
