import { JsonList } from "#base/json-list.ts";
import { isEntry } from "./json-page.ts";
import { Malformed } from "./malformed.ts";
import { decoded, type PageSource } from "./page-text.ts";

/** What the JSON API says about a project or one release of it. */
export interface ProjectInfo {
  /** Metadata of the newest release, or of the one that was asked for. */
  readonly info: Readonly<Record<string, unknown>>;
  /** Bytes by file name, of the files that the answer lists. */
  readonly sizes: ReadonlyMap<string, number>;
  /** What it says about the files of that release, by their SHA-256 in lower-case hex. */
  readonly files: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/** Characters of all releases of a project that are read. */
const MOST_CHARACTERS = 32 * 1024 * 1024;

/**
 * Reads `pypi/<name>/json` or `pypi/<name>/<version>/json`.
 *
 * @param wantsSizes reads the files of all releases too, of which there can be very many.
 * @throws `Malformed`
 * @see plugin-python §6.6
 */
export async function readProjectInfo(
  source: PageSource,
  wantsSizes: boolean,
): Promise<ProjectInfo> {
  const keep = wantsSizes ? ["info", "urls", "releases"] : ["info", "urls"];
  const json = new JsonList({
    list: "",
    keep,
    malformed: (problem) => new Malformed(problem),
    onItem: () => undefined,
    mostCharacters: MOST_CHARACTERS,
  });
  for await (const text of decoded(source)) json.push(text);
  json.end();
  const info = json.values.get("info");
  const releases = json.values.get("releases");
  const urls = json.values.get("urls");
  const lists = [urls, ...(isEntry(releases) ? Object.values(releases) : [])];
  return {
    info: isEntry(info) ? info : {},
    sizes: new Map(lists.flatMap(sizesOf)),
    files: new Map(filesOf(urls)),
  };
}

function filesOf(list: unknown): (readonly [string, Readonly<Record<string, unknown>>])[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isEntry).flatMap((file) => {
    const sha256 = isEntry(file.digests) ? file.digests.sha256 : undefined;
    return typeof sha256 === "string" ? [[sha256.toLowerCase(), file] as const] : [];
  });
}

function sizesOf(list: unknown): (readonly [string, number])[] {
  if (!Array.isArray(list)) return [];
  return list
    .filter(isEntry)
    .flatMap(({ filename, size }) =>
      typeof filename === "string" && Number.isSafeInteger(size) && Number(size) >= 0
        ? [[filename, Number(size)] as const]
        : [],
    );
}
