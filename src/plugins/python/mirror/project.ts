import type { Batcher } from "#base/batcher.ts";
import { CodedError } from "#base/errors.ts";
import type { DeclaredUnit, Job, RemoteSession } from "#sdk";
import { pageUrl } from "./address.ts";
import { candidatesOf, wantedFiles } from "./filters.ts";
import type { MetadataSource } from "./metadata-source.ts";
import type { MirrorOptions } from "./options.ts";
import { askForPage, type PageAnswer } from "./project-page.ts";
import { provenanceUnits } from "./provenance.ts";
import { ageRefusal } from "./release-age.ts";
import { releaseColumns } from "./release-columns.ts";
import { releasesAsked } from "./settings.ts";
import type { NamedState, ProjectState } from "./state.ts";
import { identified, packageUnit, yankUnits } from "./units.ts";

/** What became of a project in a sync. */
export type Outcome =
  /** As it was when the repository took it. */
  | { readonly kind: "same"; readonly name: string; readonly isKnown: true }
  /** Upstream has it no more. */
  | { readonly kind: "gone"; readonly name: string }
  | {
      readonly kind: "failed";
      readonly name: string;
      /** The repository has something of it. */
      readonly isKnown: boolean;
      readonly error: Error;
    }
  | {
      readonly kind: "read";
      readonly name: string;
      readonly units: readonly DeclaredUnit[];
      readonly state: NamedState;
    };

export interface WantedProject {
  /** Normalised. */
  readonly name: string;
  readonly lastSerial: number | null;
  /** Undefined for one that is not known, or not believed. */
  readonly before: ProjectState | undefined;
}

/** What projects of one sync are read with. */
export interface ProjectReader {
  readonly job: Job;
  readonly remote: RemoteSession;
  /** Root of the index. */
  readonly root: string;
  readonly options: MirrorOptions;
  readonly metadata: MetadataSource;
  /** Whether the domain has a package, by its SHA-256; many projects ask together. */
  readonly known: Batcher<readonly string[], ReadonlySet<string>>;
  readonly maxBytes: number;
}

/** Reads a project from upstream unless it is known to be the same; failures are an outcome. */
export async function projectOutcome(
  reader: ProjectReader,
  project: WantedProject,
  signal: AbortSignal,
): Promise<Outcome> {
  const { name, lastSerial, before } = project;
  if (before && lastSerial !== null && before.lastSerial === lastSerial)
    return { kind: "same", name, isKnown: true };
  try {
    const { remote, root, maxBytes } = reader;
    const url = pageUrl(root, name);
    const answer = await askForPage(remote, {
      ...{ url, maxBytes, signal },
      ...(before ? { known: before } : {}),
    });
    if (answer.kind === "gone") return { kind: "gone", name };
    if (answer.kind === "same") return { kind: "same", name, isKnown: true };
    const { units, isWhole } = await unitsOf(reader, { name, answer, signal });
    // What was too young is there next time, though the page is the same.
    const facts = isWhole ? { lastSerial, ...answer.validators } : NO_VALIDATORS;
    return { kind: "read", name, units, state: { name, ...facts } };
  } catch (error) {
    signal.throwIfAborted();
    // Anything else is a mistake of ours, and no reason to go on.
    if (!(error instanceof CodedError) || !isAboutUpstream(error)) throw error;
    return { kind: "failed", name, isKnown: before !== undefined, error };
  }
}

const NO_VALIDATORS = { lastSerial: null, etag: null, lastModified: null } as const;

const isAboutUpstream = ({ code }: CodedError): boolean =>
  /^PLP\d{4}$/.test(code) || code.startsWith("python_upstream_");

async function unitsOf(
  { job, remote, options, metadata, known }: ProjectReader,
  {
    name: normalized,
    answer: { page },
    signal,
  }: {
    readonly name: string;
    readonly answer: Extract<PageAnswer, { kind: "page" }>;
    readonly signal: AbortSignal;
  },
): Promise<{ units: DeclaredUnit[]; isWhole: boolean }> {
  const { ctx, caller } = job;
  const candidates = candidatesOf(normalized, page.files);
  const age = { hours: options.ageHours, nowMs: ctx.clock.now() };
  const old = candidates.filter(({ file }) => ageRefusal(file.uploadTime, age) === undefined);
  const wanted = wantedFiles(normalized, old, options);
  const files = identified(wanted);
  if (files.length < wanted.length)
    ctx.log.warn(`${wanted.length - files.length} files of ${normalized} have no sha256`);
  const present = await known.add(files.map(({ sha256 }) => sha256));
  const fresh = files.filter(({ sha256 }) => !present.has(sha256));
  const asked = { most: releasesAsked(ctx), signal };
  const columns = await releaseColumns(metadata, { name: normalized, files: fresh }, asked);
  const name = columns.name ?? page.name ?? normalized;
  const of = { normalized, name, columns, policy: remote.policy };
  const packages = files.map((file) => ({ file, unit: packageUnit(file, of) }));
  const proven = packages.flatMap(({ file: { file }, unit }) =>
    options.provenance && file.provenance !== null ? [{ unit, url: file.provenance }] : [],
  );
  const units = [
    ...packages.map(({ unit }) => unit),
    ...yankUnits(normalized, files),
    ...(await provenanceUnits(ctx, { remote, domain: caller.domain, signal }, proven)),
  ];
  return { units, isWhole: old.length === candidates.length };
}
