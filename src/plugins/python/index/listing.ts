import type { Ctx, DomainRef } from "#sdk";
import { joinedFacts, NO_FACTS, type ProjectFacts } from "../format/project-facts.ts";
import { type Offer, pulledFiles } from "../pull/pulled-files.ts";
import { indexErrors } from "./errors.ts";
import { type IndexView, urlsOf } from "./index-pages.ts";
import { type ProjectFile, projectFiles } from "./members.ts";
import type { IndexPlace } from "./place.ts";
import { type RuleBook, ruleBook } from "./rules.ts";
import { pulledNames, shelfFiles } from "./shelf-members.ts";
import {
  distinctWithheld,
  EVERY,
  type Listing,
  NO_NOTES,
  type PageNotes,
  type Withheld,
} from "./shown.ts";

/** Reads the files of a project that the shelves themselves have, one list for each. */
export type LocalFiles<File extends ProjectFile> = (
  ctx: Ctx,
  of: { readonly domain: DomainRef; readonly shelves: readonly IndexPlace[] },
  name: string,
) => Promise<readonly (readonly File[])[]>;

/** What an index consists of, whoever asks; without members it is its only shelf. */
export const shelvesOf = ({ place }: Pick<IndexView, "place">): readonly IndexPlace[] =>
  place.members ?? [place];

/** Whether a shelf is shown to the caller. */
export const isShown = ({ place }: Pick<IndexView, "place">, shelf: IndexPlace): boolean =>
  place.parts?.some(({ object }) => object.id === shelf.object.id) ?? true;

/**
 * What an index shows of a project: of a group the union of its members, where the first that has a
 * file of a name stands for it. Upstreams are not asked about names that are private, nor about those
 * that a member before them has of its own, unless the group merges them (dependency confusion).
 *
 * @param name normalised.
 * @throws `indexErrors.unreachable` if a member of a group would have to be asked and cannot be:
 *   clients would take the release of another source for it.
 */
export async function listingOf<File extends ProjectFile>(
  view: IndexView,
  name: string,
  localFiles: LocalFiles<File>,
): Promise<Listing<File>> {
  const { ctx, domain, place } = view;
  const shelves = shelvesOf(view);
  const books = [place, ...shelves].map((one) => bookOf(ctx, one));
  if (books[0]?.isOut(name)) return { files: [], notes: { withheld: outOf(books[0], name) } };
  const local = await localFiles(ctx, { domain, shelves }, name);
  const plan = planOf(view, local);
  const isPrivate = books.some((book) => book.isPrivate(name));
  const offers = await Promise.all(
    shelves.map((shelf, i) =>
      isPrivate || books[i + 1]?.isOut(name) || !plan.isAsked(shelf, i)
        ? undefined
        : offerOf(view, shelf, name),
    ),
  );
  const found = shelves.map(async (shelf, i): Promise<OnShelf<File>> => {
    const { files = [], withheld = outOf(books[i + 1], name) } = offers[i] ?? {};
    const own = await ownFiles(view, { shelf, files: local[i] ?? [], isPrivate }, name);
    const [whole, book] = [books[0], books[i + 1]];
    return {
      ...{ files: [...own, ...files], withheld },
      refusal: (version) => whole?.refusal(name, version) ?? book?.refusal(name, version),
    };
  });
  const asked = shelves.map((shelf, i) => plan.isAsked(shelf, i));
  const { files, withheld } = joined((await Promise.all(found)).filter((_, i) => asked[i]));
  const told = offers.flatMap((offer) => (offer && offer.facts !== NO_FACTS ? [offer.facts] : []));
  const facts = told.length === 0 ? undefined : joinedFacts(told);
  const upstream = upstreamNote(view, { isPrivate, plan });
  return { files, notes: notesOf({ withheld, facts, upstream }) };
}

/** Of a project that is withheld as a whole nobody looks what there is. */
const outOf = (book: RuleBook | undefined, name: string): readonly Withheld[] =>
  book?.isOut(name) ? [{ version: EVERY, reason: book.refusal(name, EVERY) ?? "" }] : [];

interface OnShelf<File extends ProjectFile> {
  readonly files: readonly (File | ProjectFile)[];
  readonly withheld: readonly Withheld[];
  /** Why a release is not shown. */
  refusal(version: string): string | undefined;
}

/** The first file of a name stands for it, unless it is not shown at all. */
function joined<File extends ProjectFile>(shelves: readonly OnShelf<File>[]) {
  const shown = new Map<string, File | ProjectFile>();
  const withheld = shelves.flatMap((shelf) => shelf.withheld);
  for (const { files, refusal } of shelves) {
    for (const file of files) {
      const reason = refusal(file.version);
      if (reason !== undefined) withheld.push({ version: file.version, reason });
      else if (!shown.has(file.filename)) shown.set(file.filename, file);
    }
  }
  const files = [...shown.values()].sort((a, b) => (a.filename < b.filename ? -1 : 1));
  return { files, withheld };
}

const bookOf = (ctx: Ctx, { object, updated, rules }: IndexPlace): RuleBook =>
  ruleBook(ctx, { id: object.id, updated, rules });

interface Plan {
  isAsked(shelf: IndexPlace, index: number): boolean;
  /** Of the name, where that keeps a shelf from being asked. */
  readonly owner: IndexPlace | undefined;
}

/**
 * A name is of the first member that has it and is no window on an upstream. That holds for those
 * who may not see the member as well: they would get the release of a stranger instead.
 */
function planOf(view: IndexView, local: readonly (readonly ProjectFile[])[]): Plan {
  const { members = [], mergesUpstream } = view.place;
  const at = mergesUpstream
    ? -1
    : members.findIndex((one, i) => !one.hasRemote && (local[i]?.length ?? 0) > 0);
  const isBarred = (shelf: IndexPlace, i: number) => at >= 0 && i > at && shelf.hasRemote;
  return {
    isAsked: (shelf, i) => isShown(view, shelf) && !isBarred(shelf, i),
    owner: members.some(isBarred) ? members[at] : undefined,
  };
}

async function offerOf(
  view: IndexView,
  shelf: IndexPlace,
  name: string,
): Promise<Offer | undefined> {
  if (!shelf.hasRemote) return undefined;
  const { ctx, domain, place } = view;
  const { content } = urlsOf({ ctx, domain, place: shelf });
  const offer = await pulledFiles(ctx, { domain, distribution: shelf.object.id, content }, name);
  if (offer.isDown && place.parts) throw indexErrors.unreachable(shelf.basePath);
  return offer;
}

/** What a window on an upstream once took from it is not its own where the name is private. */
async function ownFiles<File extends ProjectFile>(
  view: IndexView,
  of: { readonly shelf: IndexPlace; readonly files: readonly File[]; readonly isPrivate: boolean },
  name: string,
): Promise<readonly File[]> {
  const { ctx, domain, place } = view;
  const { shelf, files, isPrivate } = of;
  const located =
    shelf === place ? files : files.map((file) => ({ ...file, folder: folderOf(view, shelf) }));
  if (!isPrivate || shelf.remote === null || files.length === 0) return located;
  const pulled = await pulledNames(ctx, { domain: domain.num, remote: shelf.remote }, name);
  return located.filter(({ filename }) => !pulled.has(filename));
}

const folderOf = ({ ctx, domain }: IndexView, shelf: IndexPlace): string =>
  urlsOf({ ctx, domain, place: shelf }).content;

function upstreamNote(
  view: IndexView,
  { isPrivate, plan: { owner } }: { readonly isPrivate: boolean; readonly plan: Plan },
): string | undefined {
  if (isPrivate) return view.place.hasRemote ? "the name is private here" : undefined;
  if (owner === undefined) return undefined;
  // What they may not see is not named to them either.
  const whose = isShown(view, owner) ? owner.basePath : "another member";
  return `the name is that of a project of ${whose}`;
}

function notesOf(all: {
  readonly withheld: readonly Withheld[];
  readonly facts: ProjectFacts | undefined;
  readonly upstream: string | undefined;
}): PageNotes {
  const { withheld, facts, upstream } = all;
  if (withheld.length === 0 && facts === undefined && upstream === undefined) return NO_NOTES;
  return {
    withheld: distinctWithheld(withheld),
    ...(facts === undefined ? {} : { facts }),
    ...(upstream === undefined ? {} : { upstream }),
  };
}

/** Files as pages show them: of one version by the statement for one, of several by that for many. */
export const pageFiles: LocalFiles<ProjectFile> = async (ctx, { domain, shelves }, name) => {
  const [only, ...more] = shelves;
  if (only && more.length === 0) {
    const { version } = only;
    return [version ? await projectFiles(ctx, { domain: domain.num, version }, name) : []];
  }
  return releaseFiles(ctx, { domain, shelves }, name);
};

/** Files with all that the metadata of their project tells. */
export const releaseFiles: LocalFiles<Awaited<ReturnType<typeof shelfFiles>>[number]> = async (
  ctx,
  { domain, shelves },
  name,
) => {
  const versions = shelves.map(({ version }) => version);
  const files = await shelfFiles(ctx, { domain: domain.num, versions }, name);
  return shelves.map((_, i) => files.filter(({ shelf }) => shelf === i));
};
