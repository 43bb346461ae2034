/** What a file is called where downloads are counted (service §9.4). */
export interface PackageName {
  /** `rpm`, `python`, …: the plugin of the distribution. */
  readonly type: string;
  /** Tells packages of a distribution apart: the NEVRA, or the name of the file. */
  readonly key: string;
  readonly name: string;
  readonly version: string | null;
  readonly release: string | null;
  readonly arch: string | null;
  /** Of an rpm package alone; names of files do not tell its epoch. */
  readonly nevra: string | null;
  /** Its bytes count, but it is only a part of what people ask for: a layer of an image. */
  readonly isPart?: true;
}

type Parts = Omit<PackageName, "type">;

/** Longer names are cut: nobody can ask for them whole. */
const MOST = 500;
/** No package has a file name that long; to take such a name apart would cost time. */
const LONGEST_FILE = 1024;

/**
 * The package that a file is; undefined for metadata and whatever else is none.
 *
 * @param file type of the distribution, its base path, and the path below that.
 */
export function packageName(file: {
  readonly type: string;
  readonly basePath: string;
  readonly path: string;
}): PackageName | undefined {
  const [type = ""] = file.type.split(".");
  if (baseName(file.path).length > LONGEST_FILE) return undefined;
  const parts = Object.hasOwn(READERS, type)
    ? READERS[type]?.(file.path, file.basePath)
    : undefined;
  if (!parts) return undefined;
  return {
    type,
    key: storable(parts.key),
    name: storable(parts.name),
    version: orNull(parts.version),
    release: orNull(parts.release),
    arch: orNull(parts.arch),
    nevra: orNull(parts.nevra),
    ...(parts.isPart ? { isPart: true } : {}),
  };
}

/** Text as the database takes it. */
export const storable = (text: string): string =>
  text.slice(0, MOST).toWellFormed().replaceAll("\0", "\uFFFD");

const orNull = (text: string | null): string | null => (text === null ? null : storable(text));

const NOTHING = { version: null, release: null, arch: null, nevra: null } as const;

const READERS: Readonly<Record<string, (path: string, basePath: string) => Parts | undefined>> = {
  rpm: ofRpm,
  python: ofPython,
  maven: ofMaven,
  npm: ofNpm,
  gem: ofGem,
  container: ofContainer,
  file: ofFile,
};

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** `Packages/b/bear-4.1-1.noarch.rpm` */
function ofRpm(path: string): Parts | undefined {
  const [, nevra, name, version, release, arch] =
    /^((.+)-([^-]+)-([^-]+)\.([^.-]+))\.rpm$/.exec(baseName(path)) ?? [];
  if (!nevra || !name || !version || !release || !arch) return undefined;
  return { key: nevra, name, version, release, arch, nevra };
}

/** Projects go by one name, whatever their files are called (PEP 503). */
const projectName = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, "-");

/** Wheels and eggs begin with project and version; other files end in the version. */
function ofPython(path: string): Parts | undefined {
  const key = baseName(path);
  const [, stem, suffix] = /^(.+)\.(whl|egg|tar\.gz|tar\.bz2|tar\.xz|tgz|zip)$/i.exec(key) ?? [];
  if (stem === undefined || suffix === undefined) return undefined;
  if (/whl|egg/i.test(suffix)) {
    const [name = "", version = null, ...tags] = stem.split("-");
    return { ...NOTHING, key, name: projectName(name), version, arch: tags.at(-1) ?? null };
  }
  const [, name = stem, version = null] = /^(.+)-([^-]*\d[^-]*)$/.exec(stem) ?? [];
  return { ...NOTHING, key, name: projectName(name), version };
}

/** `org/example/app/1.0/app-1.0.jar`; what describes it is metadata. */
function ofMaven(path: string): Parts | undefined {
  const segments = path.split("/");
  const [artifact, version, key] = segments.slice(-3);
  if (!artifact || !version || !key || segments.length < 4) return undefined;
  if (!/\.(jar|war|ear|aar|zip|tar\.gz)$/i.test(key)) return undefined;
  const group = segments.slice(0, -3).join(".");
  return { ...NOTHING, key: path, name: `${group}:${artifact}`, version };
}

/** `@scope/name/-/name-1.0.0.tgz` */
function ofNpm(path: string): Parts | undefined {
  const key = baseName(path);
  const [, stem] = /^(.+)\.tgz$/.exec(key) ?? [];
  if (stem === undefined) return undefined;
  const [, folder] = /^((?:@[^/]+\/)?[^/]+)\/-\/[^/]+$/.exec(path) ?? [];
  const short = folder && baseName(folder);
  if (folder && short && stem.startsWith(`${short}-`)) {
    return { ...NOTHING, key: path, name: folder, version: stem.slice(short.length + 1) };
  }
  const [, name = stem, version = null] = /^(.+?)-(\d.*)$/.exec(stem) ?? [];
  return { ...NOTHING, key, name, version };
}

/** `gems/rack-3.0.0.gem`, `gems/nokogiri-1.18.0-x86_64-linux.gem` */
function ofGem(path: string): Parts | undefined {
  const key = baseName(path);
  const [, name, version, arch = null] = /^(.+?)-(\d[^-]*)(?:-(.+))?\.gem$/.exec(key) ?? [];
  if (name === undefined || version === undefined) return undefined;
  return { ...NOTHING, key, name, version, arch };
}

/** A manifest is what people pull; its blobs are the bytes of it. */
function ofContainer(path: string, basePath: string): Parts | undefined {
  const [, version] = /^manifests\/(.+)$/.exec(path) ?? [];
  if (version !== undefined) return { ...NOTHING, key: version, name: basePath, version };
  return path.startsWith("blobs/")
    ? { ...NOTHING, key: "blobs", name: basePath, isPart: true }
    : undefined;
}

/** Whatever a repository of files holds, but for its list. */
function ofFile(path: string): Parts | undefined {
  return baseName(path) === "PULP_MANIFEST" ? undefined : { ...NOTHING, key: path, name: path };
}
