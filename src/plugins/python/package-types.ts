/** Kinds of files that a release consists of, by their names on the wire (plugin-python §2.2). */
export const PACKAGE_TYPES = [
  ...["bdist_dmg", "bdist_dumb", "bdist_egg", "bdist_msi", "bdist_rpm"],
  ...["bdist_wheel", "bdist_wininst", "sdist"],
] as const;

/** Platforms whose files a remote may leave out (plugin-python §8). */
export const PLATFORMS = ["freebsd", "linux", "macos", "windows"] as const;
