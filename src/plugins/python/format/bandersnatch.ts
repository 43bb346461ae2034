/** What a configuration of a mirror tool says about a remote, by the keys of a remote. */
export interface BandersnatchRemote {
  /** Undefined if it names no upstream. */
  readonly url?: string;
  readonly download_concurrency?: number;
  readonly prereleases: boolean;
  readonly includes?: readonly string[];
  readonly excludes?: readonly string[];
  readonly package_types?: readonly string[];
  readonly keep_latest_packages?: number;
  readonly exclude_platforms?: readonly string[];
}

type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * Reads a configuration file of bandersnatch as a remote (plugin-python §8). Values are lists of
 * words; what it says beyond a remote is not looked at.
 *
 * @throws `SyntaxError` that names the line or the option.
 */
export function parseBandersnatch(text: string): BandersnatchRemote {
  const sections = parseSections(text);
  const words = (section: string, option: string): readonly string[] =>
    (sections.get(section)?.get(option) ?? "").split(/\s+/).filter((word) => word !== "");
  const plugins = words("plugins", "enabled");
  const isEnabled = (plugin: string) => plugins.includes("all") || plugins.includes(plugin);
  const listIf = (plugin: string, key: string, section: string, option: string) => {
    const list = isEnabled(plugin) ? words(section, option) : [];
    return list.length > 0 ? { [key]: list } : {};
  };
  const [url] = words("mirror", "master");
  const types = ["regex_release_file_metadata", "any:release_file.packagetype"] as const;
  return {
    ...(url === undefined ? {} : { url }),
    ...numberOf("download_concurrency", words("mirror", "workers")),
    prereleases: !isEnabled("prerelease_release"),
    ...listIf("allowlist_project", "includes", "allowlist", "packages"),
    ...listIf("blocklist_project", "excludes", "blocklist", "packages"),
    ...listIf("regex_release_file_metadata", "package_types", ...types),
    ...(isEnabled("latest_release")
      ? numberOf("keep_latest_packages", words("latest_release", "keep"))
      : {}),
    ...listIf("exclude_platform", "exclude_platforms", "blocklist", "platforms"),
  };
}

function numberOf(key: string, [word]: readonly string[]): Readonly<Record<string, number>> {
  if (word === undefined) return {};
  if (!/^\d{1,9}$/.test(word)) throw new SyntaxError(`'${word}' is no number of ${key}.`);
  return { [key]: Number(word) };
}

/** `[section]`, `option = value`, and further lines of a value set in. */
function parseSections(text: string): Sections {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let option: string | undefined;
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const content = line.trim();
    if (content === "" || /^[#;]/.test(content)) continue;
    const [, name] = /^\[([^\]]+)\]$/.exec(content) ?? [];
    if (name !== undefined) {
      section = sections.get(name) ?? new Map<string, string>();
      sections.set(name, section);
      option = undefined;
      continue;
    }
    if (section === undefined) throw new SyntaxError(`Line ${index + 1} is in no section.`);
    if (/^\s/.test(line) && option !== undefined) {
      section.set(option, `${section.get(option)}\n${content}`);
      continue;
    }
    const equals = content.indexOf("=");
    if (equals < 1) throw new SyntaxError(`Line ${index + 1} is no option.`);
    option = content.slice(0, equals).trim().toLowerCase();
    section.set(option, content.slice(equals + 1).trim());
  }
  return sections;
}
