import type { Json } from "#base/json.ts";
import type { Call } from "#sdk";
import { downloadCounts } from "../downloads/record.ts";
import { parseFilename } from "../format/filename.ts";
import { normalizeName } from "../format/names.ts";
import { compareVersions, isPrerelease, parseVersion, sortVersions } from "../format/version.ts";
import { upstreamRelease } from "../pull/upstream-release.ts";
import { type IndexView, indexPage, requireContent, urlsOf, viewOf } from "./index-pages.ts";
import { isShown, listingOf, releaseFiles, shelvesOf } from "./listing.ts";
import type { ProjectFile } from "./members.ts";
import { type Described, described } from "./metadata-members.ts";
import type { IndexPlace } from "./place.ts";
import { changedMs, freshPage, sendPage } from "./send-page.ts";
import type { ShelfFile } from "./shelf-members.ts";
import { NO_NOTES, noteLines, type PageNotes } from "./shown.ts";
import { fileUrl, jsonNotes, LAST_SERIAL, type Urls } from "./simple-pages.ts";
import { isoOffset } from "./times.ts";

/** What a path below `pypi/` asks for. */
export interface Asked {
  /** Normalised. */
  readonly name: string;
  readonly version: string | undefined;
}

/** `<project>/json` and `<project>/<version>/json`. */
export function askedBy(meta: string): Asked | undefined {
  const [project = "", ...rest] = meta.split("/");
  const version = rest.length === 2 ? rest[0] : undefined;
  if (rest.at(-1) !== "json" || rest.length > 2) return undefined;
  return { name: normalizeName(project), version };
}

/** `pypi/<project>/json/`: the newest release, or the one that is asked for (plugin-python §6.6). */
export async function sendMetadata(
  call: Call,
  place: IndexPlace,
  meta: string,
): Promise<undefined> {
  requireContent(place);
  const asked = askedBy(meta);
  const view = viewOf(call, place);
  let notes = NO_NOTES;
  const made = async () => {
    if (!asked) return undefined;
    const found = await metadataOf(view, asked);
    ({ notes } = found);
    return found.text;
  };
  const period = Math.floor(call.ctx.clock.now() / COUNTED_MS);
  const key = ["metadata", asked?.name ?? "", asked?.version ?? "", String(period)];
  const { page, isHit } = place.hasRemote
    ? await freshPage(made)
    : await indexPage(view, key, made);
  const headers = { "x-pypi-last-serial": String(LAST_SERIAL) };
  if (!page) {
    const why = noteLines(notes).join("\n");
    if (why !== "") call.reply.type("text/plain; charset=utf-8");
    call.reply
      .code(404)
      .headers(headers)
      .send(why === "" ? undefined : why);
    return undefined;
  }
  const dated =
    place.version && !place.hasRemote ? { lastModifiedMs: changedMs(place.version) } : {};
  sendPage(call, place, { page, isHit, ...dated, type: "application/json", headers });
  return undefined;
}

/** The document about a project, undefined where there is no such release, and what it leaves out. */
export async function metadataOf(
  view: IndexView,
  asked: Asked,
): Promise<{ readonly text: string | undefined; readonly notes: PageNotes }> {
  const { files: found, notes } = await listingOf(view, asked.name, releaseFiles);
  const files = found.map(releaseFile).sort(byType);
  const version = chosenVersion(files, asked.version);
  const shown = files.filter((file) => file.version === version);
  const [first] = shown;
  const about = first && (await aboutOf(view, first));
  if (!first || !about) return { text: undefined, notes };
  const urls = urlsOf(view);
  const counts = await countsOf(view, files);
  const entries = (of: readonly ReleaseFile[]) =>
    of.map((file) => ({ ...fileEntry(file, urls), downloads: counts.get(file.filename) ?? -1 }));
  const byVersion = Map.groupBy(files, (file) => file.version);
  const versions = sortVersions([...byVersion.keys()]);
  const releases = versions.map((one) => [one, entries(byVersion.get(one) ?? [])]);
  const text = JSON.stringify({
    last_serial: 0,
    info: info(about, first),
    releases: Object.fromEntries(releases),
    urls: entries(shown),
    vulnerabilities: [],
    ...jsonNotes(notes),
  });
  return { text, notes };
}

/** Of those members that the caller sees; a file that nobody fetched has no count. */
const countsOf = (view: IndexView, files: readonly ReleaseFile[]) =>
  downloadCounts(view.ctx, {
    distributions: shelvesOf(view)
      .filter((shelf) => isShown(view, shelf))
      .map(({ object }) => object.id),
    filenames: files.map(({ filename }) => filename),
  });

/** Counts may be so old: a page that is kept is made anew for them. */
const COUNTED_MS = 600_000;

/** A file of a release, wherever it is. */
interface ReleaseFile extends ProjectFile {
  /** `content.id`; undefined where only upstream has it. */
  readonly id: string | undefined;
  readonly packagetype: string;
  readonly python_version: string;
  /** Lower-case hex; empty where it is not worked out. */
  readonly md5: string;
}

function releaseFile(file: ProjectFile | ShelfFile): ReleaseFile {
  if ("id" in file) return file;
  const parsed = parseFilename(file.filename);
  const { packagetype = "", pythonVersion = "" } = parsed ?? {};
  return { ...file, id: undefined, packagetype, python_version: pythonVersion, md5: "" };
}

const byType = (a: ReleaseFile, b: ReleaseFile): number =>
  a.packagetype < b.packagetype ? -1 : a.packagetype > b.packagetype ? 1 : 0;

/** What a file says of its release; of one that only upstream has, what upstream says. */
function aboutOf(
  { ctx, domain }: IndexView,
  { id, name, version, requires_python, upstream }: ReleaseFile,
): Promise<Described | undefined> {
  if (id !== undefined) return described(ctx, domain.num, id);
  const { remote = { id: "", changed: "" } } = upstream ?? {};
  return upstreamRelease(ctx, { domain, remote, name, version, requires_python });
}

/** The version that is asked for under any spelling, or the newest: a final one if there is one. */
function chosenVersion(
  files: readonly ReleaseFile[],
  asked: string | undefined,
): string | undefined {
  const all = sortVersions([...new Set(files.map(({ version }) => version))]);
  const parsed = (text: string) => parseVersion(text);
  if (asked === undefined) {
    const isFinal = (text: string): boolean => {
      const version = parsed(text);
      return version !== undefined && !isPrerelease(version);
    };
    return all.findLast(isFinal) ?? all.findLast((text) => parsed(text)) ?? all.at(-1);
  }
  if (all.includes(asked)) return asked;
  const wanted = parsed(asked);
  if (!wanted) return undefined;
  return all.find((text) => {
    const version = parsed(text);
    return version !== undefined && compareVersions(version, wanted) === 0;
  });
}

/** By day nobody counts; the keys are there for those who look. */
const UNCOUNTED = { last_day: -1, last_month: -1, last_week: -1 } as const;

function info(about: Described, { yanked_reason: reason }: ReleaseFile) {
  const { project_url: url, version } = about;
  return {
    ...texts(about),
    bugtrack_url: null,
    docs_url: null,
    downloads: UNCOUNTED,
    requires_python: about.requires_python || null,
    package_url: url,
    release_url: url === "" ? "" : `${url}${version}/`,
    project_urls: labelled(decoded(about.project_urls)),
    requires_dist: filled(decoded(about.requires_dist)),
    classifiers: filled(decoded(about.classifiers)),
    provides_extras: decoded(about.provides_extras),
    dynamic: decoded(about.dynamic),
    license_file: filled(decoded(about.license_file)),
    yanked: reason !== null,
    yanked_reason: reason,
  };
}

const texts = (about: Described) => ({
  name: about.name,
  version: about.version,
  summary: about.summary,
  keywords: about.keywords,
  description: about.description,
  description_content_type: about.description_content_type,
  download_url: about.download_url,
  home_page: about.home_page,
  author: about.author,
  author_email: about.author_email,
  maintainer: about.maintainer,
  maintainer_email: about.maintainer_email,
  license: about.license,
  license_expression: about.license_expression,
  project_url: about.project_url,
  platform: about.platform,
});

/** Stored texts are JSON that this program wrote; what is none stays a text. */
function decoded(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** Nothing is null. */
const filled = (value: Json): Json =>
  value === "" || (typeof value === "object" && value !== null && Object.keys(value).length === 0)
    ? null
    : value;

/** `["Label, URL"]`, as files have it, → `{Label: URL}`, as clients of the service know it. */
function labelled(value: Json): Json {
  if (!Array.isArray(value)) return filled(value);
  const pairs = value.map((text) => {
    const [label = "", ...rest] = String(text).split(",");
    return [label.trim(), rest.join(",").trim()] as const;
  });
  return filled(Object.fromEntries(pairs));
}

function fileEntry(file: ReleaseFile, urls: Urls) {
  const time = file.at === null ? null : isoOffset(file.at);
  return {
    comment_text: "",
    digests: { md5: file.md5, sha256: file.sha256 ?? "" },
    filename: file.filename,
    has_sig: false,
    md5_digest: file.md5,
    packagetype: file.packagetype,
    python_version: file.python_version,
    requires_python: file.requires_python || null,
    size: file.size,
    upload_time: time?.replace("T", " ") ?? null,
    upload_time_iso_8601: time,
    url: fileUrl(file, urls),
    yanked: file.yanked_reason !== null,
    yanked_reason: file.yanked_reason,
  };
}
