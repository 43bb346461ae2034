import type { AccessFacts } from "./access-reader.ts";
import { firstOf, given, segmentsOf } from "./api-rows.ts";
import type { Column, Row } from "./parquet-file.ts";

const COMMON: readonly Column[] = [
  { name: "timestamp", kind: "moment", isRequired: true },
  { name: "domain", kind: "text", isRequired: true },
  { name: "distribution", kind: "text" },
  { name: "package_name", kind: "text", isRequired: true },
  { name: "package_version", kind: "text", isRequired: true },
  { name: "architecture", kind: "text" },
  { name: "artifact_path", kind: "text", isRequired: true },
  { name: "artifact_size", kind: "int64" },
  { name: "status_code", kind: "int16", isRequired: true },
  { name: "cache_hit", kind: "boolean" },
  { name: "user_agent", kind: "text" },
  { name: "org_id", kind: "text" },
  { name: "x_forwarded_for", kind: "text" },
  { name: "request_time_ms", kind: "int32" },
];

const texts = (...names: readonly string[]): readonly Column[] =>
  names.map((name) => ({ name, kind: "text" }));

/** A file below a domain: the folders before it, and its name. */
interface Place {
  readonly folders: readonly string[];
  readonly file: string;
}

/** What the path of a file says about it, by the names of columns. */
interface Found {
  /** How many of the folders are the distribution. */
  readonly distribution: readonly string[];
  readonly values: Row;
}

export interface ContentKind {
  readonly columns: readonly Column[];
  /** Undefined for files of another kind. */
  read(place: Place): Found | undefined;
}

/** By the value of `--content-type` (service §23). */
export const contentKinds: Readonly<Record<string, ContentKind>> = {
  maven: { columns: [...COMMON, ...texts("group_id", "classifier", "packaging")], read: mavenFile },
  python: { columns: [...COMMON, ...texts("build_tag", "pyver", "abi")], read: wheel },
  rpm: {
    columns: [...COMMON, { name: "epoch", kind: "int32" }, ...texts("release")],
    read: rpmFile,
  },
};

/**
 * The row of a download.
 *
 * @param prefix of the content app: `/api/pulp-content/`
 * @returns undefined if the path is none of this kind of content
 */
export function contentRow(facts: AccessFacts, kind: ContentKind, prefix: string): Row | undefined {
  if (!facts.path.startsWith(prefix)) return undefined;
  const [domain, ...path] = segmentsOf(facts.path.slice(prefix.length));
  const file = path.at(-1);
  if (domain === undefined || file === undefined) return undefined;
  const found = kind.read({ folders: path.slice(0, -1), file });
  if (!found) return undefined;
  const { distribution, values } = found;
  return {
    ...{ timestamp: facts.atMs, domain, status_code: facts.status },
    ...given({ distribution: distribution.join("/"), user_agent: facts.userAgent }),
    ...{ artifact_path: path.slice(distribution.length).join("/"), ...values },
    ...sizeOf(facts),
    ...cacheOf(facts),
    ...given({ org_id: facts.orgId, x_forwarded_for: firstOf(facts.forwardedFor) }),
    ...(facts.durationMs === undefined ? {} : { request_time_ms: facts.durationMs }),
  };
}

const sizeOf = ({ artifactSize }: AccessFacts): Row =>
  artifactSize !== undefined && /^\d{1,15}$/.test(artifactSize)
    ? { artifact_size: Number(artifactSize) }
    : {};

const cacheOf = ({ cache }: AccessFacts): Row => {
  const word = cache?.toUpperCase();
  return word === "HIT" || word === "MISS" ? { cache_hit: word === "HIT" } : {};
};

/** `name-version[-build]-python-abi-platform.whl`, and its metadata beside it. */
function wheel({ folders, file }: Place): Found | undefined {
  const parts = /^(.+)\.whl(?:\.metadata)?$/.exec(file)?.[1]?.split("-") ?? [];
  const [name, version] = parts;
  if (parts.length < 5 || parts.length > 6 || !name || !version) return undefined;
  const [pyver, abi, architecture] = parts.slice(-3);
  return {
    distribution: folders,
    values: {
      ...{ package_name: name, package_version: version },
      ...given({ architecture, pyver, abi, build_tag: parts.length === 6 ? parts[2] : undefined }),
    },
  };
}

/** `name-[epoch:]version-release.architecture.rpm`, read from the right: names hold hyphens. */
function rpmFile({ folders, file }: Place): Found | undefined {
  const [, name, epoch, version, release, architecture] =
    /^(.+)-(?:(\d{1,9}):)?([^-]+)-([^-]+)\.([^.-]+)\.rpm$/.exec(file) ?? [];
  if (!name || !version) return undefined;
  return {
    distribution: withoutLayout(folders),
    values: {
      ...{ package_name: name, package_version: version },
      ...given({ architecture, release }),
      ...(epoch === undefined ? {} : { epoch: Number(epoch) }),
    },
  };
}

/** Folders that belong to the layout of a repository of packages. */
function withoutLayout(folders: readonly string[]): readonly string[] {
  if (folders.at(-1) === "repodata" || folders.at(-1) === "Packages") return folders.slice(0, -1);
  const isByLetter = folders.at(-2) === "Packages" && folders.at(-1)?.length === 1;
  return isByLetter ? folders.slice(0, -2) : folders;
}

/** `distribution/group/of/it/name/version/name-version[-classifier].packaging` */
function mavenFile({ folders, file }: Place): Found | undefined {
  const [distribution = "", ...layout] = folders;
  const [name, version] = layout.slice(-2);
  const group = layout.slice(0, -2).join(".");
  const [, stem, packaging] = /^(.+)\.(jar|pom)$/.exec(file) ?? [];
  if (!name || !version || group === "" || !stem?.startsWith(`${name}-`)) return undefined;
  const classifier = classifierOf(stem.slice(name.length + 1), version);
  if (classifier === undefined) return undefined;
  return {
    distribution: [distribution],
    values: {
      ...{ package_name: name, package_version: version },
      ...given({ group_id: group, packaging, classifier }),
    },
  };
}

/** What follows the version; files of a snapshot carry the moment that they were made in its place. */
function classifierOf(text: string, version: string): string | undefined {
  const base = version.replace(/-SNAPSHOT$/, "");
  const stamped = String.raw`${RegExp.escape(base)}-\d{8}\.\d{6}-\d+`;
  const versions =
    base === version ? RegExp.escape(version) : `${RegExp.escape(version)}|${stamped}`;
  return new RegExp(`^(?:${versions})(?:-(.+))?$`)
    .exec(text)
    ?.slice(1)
    .map((found) => found ?? "")[0];
}
